import { once } from 'node:events'
import { type AddressInfo, connect, createServer, Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { acceptWith } from './accepting.ts'
import { BufferPool } from './buffer-pool.ts'
import { EndOfTurn } from './end-of-turn.ts'
import { SharedInput } from './shared-input.ts'

let server: Server
let input: SharedInput
let clients: Socket[]
beforeEach(async () => {
  clients = []
  input = new SharedInput(new BufferPool(), new EndOfTurn())
  server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(() => {
  for (const client of clients) client.destroy()
  server.close()
})

const connected = async (event: 'connection' | 'drop' = 'connection') => {
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  clients.push(client.on('error', () => undefined))
  const [accepted] = (await once(server, event)) as [Socket]
  return { client, accepted }
}

/** What the server side of a connection reads first; `socket` is what reads it. */
const adopted = (accepted: Socket) => {
  let taken: (text: string) => void = () => undefined
  const text = new Promise<string>((resolve) => {
    taken = resolve
  })
  const reader = {
    read: (chunk: Buffer) => taken(`${chunk}`),
    hasRest: false,
    readBuffer: () => undefined,
    bytesRead: () => undefined,
  }
  const socket = input.adopt(accepted, reader, () => undefined)
  socket?.resume()
  return { socket, text }
}

const count = () => new Promise<number>((resolve) => server.getConnections((_, connections) => resolve(connections)))

describe('a server that accepts with sockets made for it', () => {
  it('uses one socket for each connection, which reads into shared memory, on this version of Node', async () => {
    acceptWith(server, (handle) => input.socketFor(handle))
    const { client, accepted } = await connected()
    client.write('bytes')
    const { socket, text } = adopted(accepted)
    expect(socket).toBe(accepted)
    expect(await text).toBe('bytes')
  })

  it('reads nothing before the connection is adopted', async () => {
    acceptWith(server, (handle) => input.socketFor(handle))
    const first = await connected()
    await new Promise((resolve) => first.client.write('early', resolve))
    // By the time that the second one is there, the bytes of the first are.
    await connected()
    expect(first.accepted.bytesRead).toBe(0)
    expect(await adopted(first.accepted).text).toBe('early')
  })

  it('counts its connections, and closes when the last one is gone', async () => {
    acceptWith(server, (handle) => input.socketFor(handle))
    const { accepted } = await connected()
    expect(await count()).toBe(1)
    const closed = once(server, 'close')
    server.close()
    accepted.destroy()
    await closed
    expect(await count()).toBe(0)
  })

  it('leaves it to Node to refuse a connection above the maximum', async () => {
    acceptWith(server, (handle) => input.socketFor(handle))
    server.maxConnections = 1
    await connected()
    const { client, accepted } = await connected('drop')
    expect(accepted).toMatchObject({ remoteAddress: '127.0.0.1' })
    await once(client, 'close')
    expect(await count()).toBe(1)
  })

  it('reports a connection that could not be accepted as an error', async () => {
    acceptWith(server, (handle) => input.socketFor(handle))
    const failed = once(server, 'error')
    const { _handle } = server as unknown as { _handle: { onconnection(error: number): void } }
    _handle.onconnection(-24)
    expect((await failed)[0]).toMatchObject({ code: 'EMFILE', syscall: 'accept' })
  })

  it('has sockets of Node again when that is ended, and they move', async () => {
    acceptWith(server, (handle) => input.socketFor(handle))()
    const { client, accepted } = await connected()
    client.write('bytes')
    const { socket, text } = adopted(accepted)
    expect(socket).not.toBe(accepted)
    expect(await text).toBe('bytes')
  })

  it('moves the connection when the socket was made for the memory of another server', async () => {
    const before = input
    acceptWith(server, (handle) => before.socketFor(handle))
    const { client, accepted } = await connected()
    input = new SharedInput(new BufferPool(), new EndOfTurn())
    client.write('bytes')
    const { socket, text } = adopted(accepted)
    expect(socket).not.toBe(accepted)
    expect(await text).toBe('bytes')
    expect(await count()).toBe(1)
  })

  it('leaves alone what does not listen as a server of Node does', () => {
    const other = new Server()
    acceptWith(other, (handle) => input.socketFor(handle))()
    expect(other.listening).toBe(false)
  })
})
