import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { abandon, type Listening, listen } from './listening.ts'

let client: Socket
afterEach(() => client.destroy())

/** Listens, and accepts a connection that nothing uses yet. */
const withEarlyClient = async (backlog = 10): Promise<Listening> => {
  const listening = await listen({ host: '127.0.0.1', port: 0, backlog })
  const { port } = listening.server.address() as AddressInfo
  client = connect(port, '127.0.0.1')
  client.on('error', () => undefined)
  await Promise.all([once(listening.server, 'connection'), once(client, 'connect')])
  return listening
}

test('a connection that is accepted before there is a user waits for the first one', async () => {
  const listening = await withEarlyClient()
  const sockets: Socket[] = []
  const user = {
    accepted: (socket: Socket) => void sockets.push(socket),
    dropped: () => undefined,
    failed: () => undefined,
  }
  listening.events.to = user
  expect(sockets).toEqual([expect.objectContaining({ remotePort: client.localPort, destroyed: false })])
  // A later user does not get it again.
  listening.events.to = user
  expect(sockets).toHaveLength(1)
  sockets[0]!.destroy()
  await abandon(listening)
})

test('such connections are bounded', async () => {
  const listening = await withEarlyClient(0)
  await once(client.resume(), 'close')
  await abandon(listening)
})

test('a socket that never had a user is closed with its connections', async () => {
  const listening = await withEarlyClient()
  const closed = once(client.resume(), 'close')
  await abandon(listening)
  await closed
  expect(listening.server.listening).toBe(false)
})
