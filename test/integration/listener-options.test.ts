import { afterEach, beforeEach, expect, it } from 'vitest'
import { tcp } from '../../components/tcp/index.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { RealClient } from '../helpers/mqtt-js.ts'
import { quietSystem } from '../helpers/start-broker.ts'

/** Two listeners of one broker over real sockets: the server's, and one with options of its own. */
let system: ReturnType<typeof createSystem>
const clients: RealClient[] = []
beforeEach(async () => {
  const options = { protocolVersions: ['3.1.1', '5.0'], mountPoint: 'site-1/', maximumQoS: 1, maximumPacketSize: 200 }
  system = createSystem({
    ...quietSystem,
    site: { component: tcp, config: { port: 0, topicAliasMaximum: 3, ...options }, dependencies: { logger: 'logger' } },
  })
  await system.start()
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.mqtt.end(true)
  await system.stop()
})

const portOf = (name: 'server' | 'site'): number => {
  const { server, site } = system.map as unknown as { server: { port: number }; site: { address: string } }
  return name === 'server' ? server.port : Number(site.address.split(':').at(-1))
}
const connect = async (name: 'server' | 'site', version: 3 | 4 | 5): Promise<RealClient> => {
  const client = await RealClient.connect(portOf(name), version, { clientId: `${name}-${version}` })
  clients.push(client)
  return client
}

it('CONNACK announces the values of the listener', async () => {
  const [inside, outside] = [await connect('site', 5), await connect('server', 5)]
  expect(inside.connack.properties).toMatchObject({ maximumQoS: 1, maximumPacketSize: 200, topicAliasMaximum: 3 })
  expect(outside.connack.properties).toMatchObject({ maximumPacketSize: 16_777_216, topicAliasMaximum: 32 })
  expect(outside.connack.properties).not.toHaveProperty('maximumQoS')
})

it('a version that the listener does not accept is refused, and accepted elsewhere', async () => {
  await expect(connect('site', 3)).rejects.toThrow(/Unacceptable protocol version/i)
  await connect('server', 3)
})

it.each([4, 5] as const)('a client of version %i lives below its mount point', async (version) => {
  const [inside, outside] = [await connect('site', version), await connect('server', 5)]
  await inside.mqtt.subscribeAsync('#', { qos: 1 })
  await outside.mqtt.subscribeAsync('#', { qos: 1 })
  await inside.mqtt.publishAsync('lamp', 'on', { qos: 1 })
  expect(await outside.next()).toMatchObject({ topic: 'site-1/lamp', payload: 'on' })
  expect(await inside.next()).toMatchObject({ topic: 'lamp', payload: 'on' })
  await outside.mqtt.publishAsync('lamp', 'elsewhere', { qos: 1 })
  for (let n = 0; n < 50; n++) outside.mqtt.publish('site-1/burst', `${n}`)
  for (let n = 0; n < 50; n++) expect(await inside.next()).toMatchObject({ topic: 'burst', payload: `${n}` })
})

it('a packet over the limit of the listener ends the connection of its client alone', async () => {
  const [inside, outside] = [await connect('site', 4), await connect('server', 4)]
  const closed = new Promise((resolve) => inside.mqtt.once('close', () => resolve('closed')))
  inside.mqtt.publish('a', 'x'.repeat(300))
  expect(await closed).toBe('closed')
  await outside.mqtt.publishAsync('a', 'x'.repeat(300), { qos: 1 })
})
