/** The plan of a reload in the admin API of a real broker: it says beforehand what the reload refuses. */

import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { lmdbStore } from '../../components/store-lmdb/index.ts'
import { ConfigReloader } from '../../src/config-reloader.ts'
import type { System } from '../../src/system/lifecycle.ts'
import { AdminBroker } from '../helpers/admin-broker.ts'
import { RealClient } from '../helpers/mqtt-js.ts'

type Entries = Readonly<Record<string, Readonly<Record<string, unknown>>>>

let api: AdminBroker
let present: Entries
/** The config that the next reload reads. */
let next: Entries
let client: RealClient
beforeEach(async () => {
  const reloader = new ConfigReloader(
    async () => next,
    () => api.broker.system as System,
  )
  api = await AdminBroker.start({ reloader })
  present = api.broker.system.config as unknown as Entries
  client = await RealClient.connect(api.broker.port, 5, { clientId: 'one' })
})
afterEach(async () => {
  client.mqtt.end(true)
  await api.stop()
})

const changed = (name: string, entry: object): Entries => ({ ...present, [name]: { ...present[name], ...entry } })
const plan = async () => {
  const { status, body } = await api.get('/components/plan')
  expect(status).toBe(200)
  return body as unknown as { parts: { name: string; verdict: string }[]; connections: object[]; refusals: string[] }
}

it('has no refusals if the reload may be applied, and a reload has no list of them', async () => {
  next = changed('logger', { config: { ...(present['logger']!['config'] as object), level: 'warn' } })
  const { parts, connections, refusals } = await plan()
  expect(refusals).toEqual([])
  expect(parts.filter(({ verdict }) => verdict !== 'keep')).toMatchObject([{ name: 'logger', verdict: 'adjust' }])
  const { status, body } = await api.call('POST', '/components/reload')
  expect([status, (body as { plan?: object }).plan]).toEqual([200, { parts, connections }])
})

it.each([
  [
    'the end of the only listener',
    // The admin API needs a listener, so it ends as well.
    () => ({ ...changed('server', { enabled: false }), admin: { ...present['admin'], enabled: false } }),
    ['server would end, and no client could connect any more'],
  ],
  [
    'another store, under open connections',
    () => ({
      ...present,
      store: {
        component: lmdbStore,
        config: { path: join(api.folder, 'data') },
        dependencies: { logger: 'logger' },
      },
    }),
    ['store would begin with another content', 'connections that are to be kept, 1 of server; '],
  ],
])('has why a reload will be refused, in its words: %s', async (_, config, texts) => {
  next = config() as Entries
  const { refusals } = await plan()
  expect(refusals).toEqual(texts.map((text) => expect.stringContaining(text)))
  expect(await api.call('POST', '/components/reload')).toEqual({ status: 409, body: { error: refusals.join('; ') } })
  expect((await api.get('/clients/one')).status).toBe(200)
})

it('is refused itself if the config is wrong', async () => {
  next = changed('logger', { config: { level: 'loud' } })
  expect(await api.get('/components/plan')).toMatchObject({
    status: 409,
    body: { error: expect.stringContaining('level') },
  })
})
