/** Bridges over WebSocket. */

import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { webSocket } from '../../components/web-socket/index.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { carried, startBridged } from '../helpers/bridged-broker.ts'
import { TestFiles, testCertificates } from '../helpers/certificates.ts'
import { CutProxy } from '../helpers/cut-proxy.ts'
import { eventually } from '../helpers/eventually.ts'
import { RealClient } from '../helpers/mqtt-js.ts'
import { quietSystem } from '../helpers/start-broker.ts'

interface Remote {
  readonly server: { readonly port: number }
  readonly web: { readonly port: number }
  readonly secure: { readonly port: number }
}

let files: TestFiles
let ca: string
let system: { readonly map: object; start(): Promise<unknown>; stop(): Promise<unknown> }
let remote: Remote
const ends: (() => unknown)[] = []

beforeAll(async () => {
  const { authority, server } = await testCertificates()
  files = new TestFiles()
  ca = files.write('ca.pem', authority.cert)
  const dependencies = { logger: 'logger' }
  system = createSystem({
    ...quietSystem,
    web: { component: webSocket, config: { port: 0 }, dependencies },
    secure: { component: webSocket, config: { port: 0, tls: files.pair('server', server) }, dependencies },
  })
  await system.start()
  remote = system.map as Remote
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})
afterAll(async () => {
  await system?.stop()
  files?.remove()
})

const client = async (port: number): Promise<RealClient> => {
  const connected = await RealClient.connect(port, 5)
  ends.push(() => connected.mqtt.end(true))
  return connected
}
const bridged = async (server: string, more: object = {}) => {
  const topics = [carried('up/#', 'out'), carried('down/#', 'in')]
  const local = await startBridged({ up: { servers: [server], topics, clientId: server, ...more } })
  ends.push(() => local.stop())
  return local
}

it.each(['ws', 'wss'] as const)('carries messages of both directions over %s, also after a cut', async (scheme) => {
  const proxy = await CutProxy.start(scheme === 'ws' ? remote.web.port : remote.secure.port)
  ends.push(() => proxy.stop())
  const tls = scheme === 'wss' ? { tls: { ca } } : {}
  const server = `${scheme}://localhost:${proxy.port}/mqtt`
  const local = await bridged(server, tls)
  await local.connected('up')
  expect(local.bridge('up').remote).toBe(server)
  const [near, far] = [await client(local.port), await client(remote.server.port)]
  await near.mqtt.subscribeAsync('down/#', { qos: 2 })
  await far.mqtt.subscribeAsync('up/#', { qos: 2 })
  const large = 'x'.repeat(200_000)
  for (const payload of ['1', large, '2']) {
    await near.mqtt.publishAsync('up/a', payload, { qos: 2 })
    await far.mqtt.publishAsync('down/a', payload, { qos: 2 })
    const { connections } = local.bridge('up').counters
    expect(proxy.cut()).toBe(1)
    await eventually(() => expect(local.bridge('up').counters.connections).toBe(connections + 1))
  }
  for (const each of [near, far]) {
    expect((await each.take(3)).map(({ payload }) => payload)).toEqual(['1', large, '2'])
  }
})

it('says why it is not connected', async () => {
  const failure = async (server: string, text: string, more: object = {}) => {
    const local = await bridged(server, more)
    await eventually(() => expect(local.bridge('up').lastFailure).toContain(text))
  }
  await failure(`ws://127.0.0.1:${remote.web.port}/other`, '404')
  await failure(`ws://127.0.0.1:${remote.server.port}/mqtt`, '')
  await failure(`wss://localhost:${remote.secure.port}/mqtt`, 'certificate')
  await failure('ws://127.0.0.1:1/mqtt', 'ECONNREFUSED')
})

it('leaves with DISCONNECT when it stops', async () => {
  const server = `ws://127.0.0.1:${remote.web.port}/mqtt`
  const local = await bridged(server, { notifications: true, notificationTopic: 'state' })
  await local.connected('up')
  const far = await client(remote.server.port)
  await far.mqtt.subscribeAsync('state')
  expect(await far.next()).toMatchObject({ payload: '1' })
  await local.stop()
  expect(await far.next()).toMatchObject({ payload: '0', retain: false })
})
