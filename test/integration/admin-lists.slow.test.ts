/** Pages of lists of a broker with many sessions. */

import { generate } from 'mqtt-packet'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { AdminBroker } from '../helpers/admin-broker.ts'
import { connectPacket } from '../helpers/connect-packet.ts'
import { RawClient } from '../helpers/raw-client.ts'

const SESSIONS = 3_000
const AT_ONCE = 50

let api: AdminBroker
const clients: RawClient[] = []
beforeAll(async () => {
  api = await AdminBroker.start()
  for (let first = 0; first < SESSIONS; first += AT_ONCE) {
    const batch = Array.from({ length: AT_ONCE }, (_, index) => session(first + index))
    clients.push(...(await Promise.all(batch)))
  }
})
afterAll(async () => {
  for (const client of clients) client.socket.destroy()
  await api.stop()
})

/** A client whose session outlives it. One of three is away. */
const session = async (number: number): Promise<RawClient> => {
  const client = await RawClient.connect(api.broker.port)
  const packet = connectPacket(
    { clientId: `device-${number}`, clean: false, properties: { sessionExpiryInterval: 600 } },
    5,
  )
  client.socket.write(generate(packet, { protocolVersion: 5 }))
  await client.packet()
  if (number % 3 === 0) client.socket.destroy()
  return client
}

const allPages = async (path: string): Promise<readonly string[]> => {
  const seen: string[] = []
  for (let after = ''; ; ) {
    const { status, body } = await api.get(`${path}${after}`)
    expect(status).toBe(200)
    seen.push(...(body.items as { id: string }[]).map(({ id }) => id))
    if (typeof body.next !== 'string') return seen
    after = `&after=${body.next}`
  }
}

const names = (wanted: (number: number) => boolean) =>
  Array.from({ length: SESSIONS }, (_, number) => number)
    .filter(wanted)
    .map((number) => `device-${number}`)
    .sort()

it('all sessions and clients are in the pages once, in order', async () => {
  await expect.poll(async () => (await api.get('/clients?limit=1')).body.total).toBe((SESSIONS / 3) * 2)
  expect(await allPages('/sessions?limit=1000')).toEqual(names(() => true))
  expect(await allPages('/sessions?limit=333&connected=false')).toEqual(names((number) => number % 3 === 0))
  expect(await allPages('/clients?limit=500&order=desc')).toEqual(names((number) => number % 3 !== 0).reverse())
  expect(await allPages('/clients?limit=7&q=device-299')).toEqual(
    names((number) => number % 3 !== 0 && `device-${number}`.includes('device-299')),
  )
})

it('many lists at the same time are bounded: some get 503, and all are answered', async () => {
  const answers = await Promise.all(Array.from({ length: 30 }, () => api.get('/sessions?limit=1000')))
  const count = (status: number) => answers.filter((answer) => answer.status === status).length
  expect(count(200) + count(503)).toBe(30)
  expect(count(200)).toBeGreaterThanOrEqual(4)
  expect((await api.get('/sessions')).status).toBe(200)
})
