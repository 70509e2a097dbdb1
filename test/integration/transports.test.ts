/** One server over TCP and further transports: they share what a server has for its connections, and each has its own over a reset. */

import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSystem } from '../../src/system/lifecycle.ts'
import { eventually } from '../helpers/eventually.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { quietSystem } from '../helpers/start-broker.ts'
import { keptUnixTransport, unixTransport } from '../transports/unix-transport.ts'

let folder: string
let path: string
let system: ReturnType<typeof createSystem>
const clients: Socket[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mqtt-jig-'))
  path = join(folder, 'mqtt.sock')
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  await system.stop()
  rmSync(folder, { recursive: true })
})

const start = async (config: object, suspended?: Parameters<typeof createSystem>[1]) => {
  system = createSystem(config, suspended)
  await system.start()
}
const server = () => (system.map as unknown as { server: { port: number } & Record<string, unknown> }).server
const withUnix = (component: object, more: object = {}) => ({
  ...quietSystem,
  local: { component, config: { path } },
  ...more,
})

const open = (to: string | number): Socket => {
  const client = typeof to === 'string' ? connect(to) : connect(to, '127.0.0.1')
  clients.push(client.on('error', () => undefined))
  return client
}
const connectAs = (id: string) => packetBytes(`10 @ "MQTT" 04 02 0000 "${id}"`)
const connected = async (to: string | number, id: string): Promise<Socket> => {
  const client = open(to)
  client.write(connectAs(id))
  await once(client, 'data')
  return client
}

describe('a server with a further transport', () => {
  it('passes messages from one to the other, and counts both', async () => {
    await start(withUnix(unixTransport))
    const subscriber = await connected(path, 'subscriber')
    subscriber.write(packetBytes('82 @ 0001 "a" 00'))
    await once(subscriber, 'data')
    const publisher = await connected(server().port, 'publisher')
    const message = packetBytes(`30 @ "a" 'hello'`)
    publisher.write(message)
    const [received] = await once(subscriber, 'data')
    expect(received).toEqual(Buffer.from(message))
    publisher.end()
    await once(publisher, 'close')
    expect(server()).toMatchObject({
      connections: 1,
      listeners: [
        { name: 'server', transport: 'tcp', address: `127.0.0.1:${server().port}`, connections: 0, accepted: 1 },
        { name: 'local', transport: 'unix', address: path, connections: 1, accepted: 1, refused: 0 },
      ],
      counters: { accepted: 2, refused: 0, endedByClient: 1, endedByNetwork: 0, endedByBroker: 0 },
    })
  })

  it('has places for both together', async () => {
    const config = { port: 0, maximumConnections: 1 }
    await start(withUnix(unixTransport, { server: { ...quietSystem.server, config } }))
    await connected(server().port, 'first')
    const refused = open(path)
    await once(refused, 'close')
    expect(server()).toMatchObject({
      counters: { accepted: 1, refused: 1 },
      listeners: [{ refused: 0 }, { refused: 1 }],
    })
  })

  it('is the only one of its system', () => {
    system = createSystem(quietSystem)
    const two = withUnix(unixTransport, { other: { ...quietSystem.server } })
    expect(() => createSystem(two)).toThrow("duplicate provider of Listener: 'server' provides it already")
  })
})

describe('across a reset', () => {
  it('a transport that is kept has the connections that came meanwhile', async () => {
    await start(withUnix(keptUnixTransport))
    const before = await connected(path, 'before')
    const closed = once(before.resume(), 'close')
    const suspended = await system.suspend()
    await closed
    const meanwhile = open(path)
    meanwhile.write(connectAs('meanwhile'))
    await once(meanwhile, 'connect')
    await start(withUnix(keptUnixTransport), { suspended })
    const [answer] = await once(meanwhile, 'data')
    expect(answer).toEqual(Buffer.from('20020000', 'hex'))
    expect(server()).toMatchObject({ listeners: [{ accepted: 0 }, { name: 'local', accepted: 1 }] })
  })

  it('a transport that is not kept closes and opens again', async () => {
    await start(withUnix(unixTransport))
    const before = await connected(path, 'before')
    const { port } = server()
    const closed = once(before.resume(), 'close')
    const suspended = await system.suspend()
    await closed
    await expect(once(open(path), 'connect')).rejects.toMatchObject({ code: 'ENOENT' })
    await start(withUnix(unixTransport), { suspended })
    await connected(path, 'after')
    expect(server().port).toBe(port)
    await eventually(() => expect(server()).toMatchObject({ connections: 1 }))
  })
})
