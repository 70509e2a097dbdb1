/** `$SYS/broker/...`: each topic has the number of what real clients did. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sysTopics } from '../../components/sys-topics/index.ts'
import { topicRules } from '../../components/topic-rules/index.ts'
import { defineSystem, type SystemMap } from '../../src/system/define-system.ts'
import { createSystem, type System } from '../../src/system/lifecycle.ts'
import { eventually } from '../helpers/eventually.ts'
import { RealClient } from '../helpers/mqtt-js.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { quietSystem, withConfig } from '../helpers/start-broker.ts'

/** Published when a test says so: no timer of this length ends within a test. */
const INTERVAL = { intervalSeconds: 3_600 }

const withTopics = (config: object = {}, brokerConfig: object = {}) =>
  defineSystem({
    ...quietSystem,
    ...withConfig(brokerConfig),
    sysTopics: {
      component: sysTopics,
      config: { ...INTERVAL, ...config },
      dependencies: { broker: 'broker', logger: 'logger' },
    },
  })

let system: System<ReturnType<typeof withTopics>>
let map: SystemMap<ReturnType<typeof withTopics>>
const start = async (config: object = {}, brokerConfig: object = {}): Promise<void> => {
  system = createSystem(withTopics(config, brokerConfig))
  await system.start()
  map = system.map as typeof map
}

const clients: RealClient[] = []
const connect = async (options: object = {}, version: 3 | 4 | 5 = 5): Promise<RealClient> => {
  const client = await RealClient.connect(map.server.port, version, options)
  clients.push(client)
  return client
}
afterEach(async () => {
  for (const { mqtt } of clients.splice(0)) mqtt.end(true)
  await system.stop()
})

/** What a new subscriber would read below `$SYS/broker/`, by the rest of the topic. */
const values = (): Record<string, string> => {
  map.sysTopics.publishNow()
  return Object.fromEntries(
    map.broker.retained('$SYS/broker/#').map(({ topic, payload }) => [topic.slice(12), payload.toString()]),
  )
}

describe('the topics have the numbers of what clients did', () => {
  beforeEach(() => start())

  it('of a broker that has just started', () => {
    const all = values()
    expect(all).toMatchObject({ 'clients/total': '0', 'messages/received': '0', 'load/messages/sent/1min': '0.00' })
    expect(all['version']).toMatch(/^mqtt-jig version \d+\.\d+\.\d+/)
    expect(all['uptime']).toMatch(/^\d+ seconds$/)
    expect(Number(all['heap/current'])).toBeGreaterThan(1_000_000)
    expect(Number(all['heap/maximum'])).toBeGreaterThanOrEqual(Number(all['heap/current']))
    expect(Object.values(all).filter((value) => /NaN|undefined/.test(value))).toEqual([])
    expect(Object.keys(all)).toHaveLength(80)
  })

  it('clients: connected, away, all, and the most there ever were', async () => {
    const kept = { clean: false, properties: { sessionExpiryInterval: 3_600 } }
    await connect({ clientId: 'a' })
    const [b] = await Promise.all([connect({ clientId: 'b', ...kept }), connect({ clientId: 'c', clean: false }, 4)])
    expect(values()).toMatchObject({ 'clients/connected': '3', 'clients/total': '3', 'clients/disconnected': '0' })
    await b.end()
    const gone = await connect({ clientId: 'd' })
    expect(values()).toMatchObject({ 'clients/total': '4' })
    await gone.end()
    const counts = { connected: '2', active: '2', disconnected: '1', inactive: '1', total: '3', maximum: '4' }
    const expected = Object.entries(counts).map(([name, count]) => [`clients/${name}`, count])
    expect(values()).toMatchObject(Object.fromEntries(expected))
    await eventually(() => expect(values()).toMatchObject({ 'connections/socket/count': '2' }))
    expect(map.broker.endSession('b')).toBe(true)
    expect(values()).toMatchObject({ 'clients/disconnected': '0', 'clients/total': '2', 'clients/expired': '0' })
  })

  it('subscriptions and retained messages', async () => {
    const client = await connect()
    await client.mqtt.subscribeAsync(['a', 'b/#', '$share/g/c'])
    await client.mqtt.publishAsync('kept', 'x'.repeat(100), { qos: 1, retain: true })
    expect(values()).toMatchObject({
      'subscriptions/count': '2',
      'shared_subscriptions/count': '1',
      'retained messages/count': '1',
      'store/messages/count': '1',
      'messages/stored': '1',
    })
    expect(Number(values()['store/messages/bytes'])).toBeGreaterThan(100)
    await client.mqtt.unsubscribeAsync(['a', '$share/g/c'])
    await client.mqtt.publishAsync('kept', '', { qos: 1, retain: true })
    expect(values()).toMatchObject({
      'subscriptions/count': '1',
      'shared_subscriptions/count': '0',
      'retained messages/count': '0',
    })
  })

  it('packets of each type, and payloads in bytes', async () => {
    const client = await connect({ clientId: 'client' })
    await client.mqtt.subscribeAsync('t', { qos: 2 })
    await client.mqtt.publishAsync('t', '12345', { qos: 0 })
    await client.mqtt.publishAsync('t', '1234567', { qos: 1 })
    await client.mqtt.publishAsync('t', '123', { qos: 2 })
    await client.take(3)
    await client.mqtt.unsubscribeAsync('t')
    await client.mqtt.publishAsync('t', 'nobody', { qos: 1 })
    await client.end()
    const packets = (direction: string, ...types: string[]) =>
      Object.fromEntries(types.map((type) => [`mqtt/${type}/${direction}`, '1']))
    expect(values()).toMatchObject({
      ...packets('received', 'connect', 'puback', 'pubrec', 'pubrel', 'pubcomp', 'subscribe', 'unsubscribe'),
      ...packets('sent', 'connack', 'pubrec', 'pubrel', 'pubcomp', 'suback', 'unsuback'),
      'mqtt/puback/sent': '2',
      'mqtt/disconnect/received': '1',
      'mqtt/disconnect/sent': '0',
      'publish/messages/received': '4',
      'publish/messages/sent': '3',
      'publish/bytes/received': '21',
      'publish/bytes/sent': '15',
      'mqtt/publish/received': '4',
      'mqtt/publish/bytes/sent': '15',
      'publish/messages/dropped': '0',
      // CONNECT, SUBSCRIBE, 4 PUBLISH, PUBREL, PUBACK, PUBREC, PUBCOMP, UNSUBSCRIBE, DISCONNECT.
      'messages/received': '12',
      // CONNACK, SUBACK, 3 PUBLISH, 2 PUBACK, PUBREC, PUBREL, PUBCOMP, UNSUBACK.
      'messages/sent': '11',
    })
  })

  it('bytes of connections, and payloads of packets that come together', async () => {
    const raw = await RawClient.connect(map.server.port)
    raw.send('100d 0004 4d515454 04 02 0000 0001 61')
    await raw.receive(4)
    raw.send('8206 0001 0001 74 00')
    await raw.receive(5)
    const publishes = ['', '61', '6161', '61'.repeat(126), '61'.repeat(200)].map((payload) => {
      const length = 3 + payload.length / 2
      const remaining = length < 128 ? [length] : [(length & 0x7f) | 0x80, length >> 7]
      return `30${Buffer.from(remaining).toString('hex')}000174${payload}`
    })
    raw.send(...publishes)
    const bytes = publishes.join('').length / 2
    await raw.receive(bytes)
    expect(values()).toMatchObject({
      'bytes/received': `${15 + 8 + bytes}`,
      'bytes/sent': `${4 + 5 + bytes}`,
      'publish/messages/received': '5',
      'publish/bytes/received': `${1 + 2 + 126 + 200}`,
      'publish/messages/sent': '5',
      'publish/bytes/sent': `${1 + 2 + 126 + 200}`,
    })
    raw.destroy()
    await raw.closed
  })

  it('only what has changed is sent', async () => {
    const reader = await connect()
    await reader.mqtt.subscribeAsync('$SYS/broker/subscriptions/count')
    await reader.mqtt.subscribeAsync('$SYS/broker/version')
    map.sysTopics.publishNow()
    await reader.mqtt.subscribeAsync('$SYS/broker/shared_subscriptions/count')
    map.sysTopics.publishNow()
    expect((await reader.payloads()).filter((payload) => !payload.startsWith('mqtt-jig'))).toEqual(['0', '2', '0', '3'])
  })

  it('their topics are gone when the component stops', async () => {
    expect(values()).not.toEqual({})
    const { broker } = map
    const { core } = broker as unknown as { core: { retained: { messages: { volatileCount: number } } } }
    expect(core.retained.messages.volatileCount).toBe(80)
    await system.stop()
    expect(core.retained.messages.volatileCount).toBe(0)
  })
})

it('messages that a full queue did not take are dropped messages', async () => {
  await start({}, { maximumQueuedMessages: 1 })
  const away = await connect({ clientId: 'away', clean: false }, 4)
  await away.mqtt.subscribeAsync('t', { qos: 1 })
  await away.end()
  const publisher = await connect()
  for (let index = 0; index < 4; index += 1) await publisher.mqtt.publishAsync('t', 'x', { qos: 1 })
  expect(values()).toMatchObject({ 'publish/messages/dropped': '3', 'mqtt/publish/dropped': '3' })
})

it('without version21 the topics are those of mosquitto 2.0', async () => {
  await start({ version21: false })
  const names = Object.keys(values())
  expect(names.filter((name) => /^(mqtt|connections|packet)\//.test(name))).toEqual([])
  expect(names).toHaveLength(53)
})

it('a timer publishes what has changed', async () => {
  await start({ intervalSeconds: 0.1 })
  const client = await connect()
  await client.mqtt.subscribeAsync('$SYS/broker/clients/connected')
  const seen = [(await client.next()).payload]
  while (seen.at(-1) !== '1') seen.push((await client.next()).payload)
  const other = await connect()
  expect((await client.next()).payload).toBe('2')
  await other.end()
  expect((await client.next()).payload).toBe('1')
})

it('at QoS 2 they wait for subscribers that are away', async () => {
  await start({ qos: 2 })
  const reader = await connect({ clientId: 'reader', clean: false }, 4)
  await reader.mqtt.subscribeAsync('$SYS/broker/clients/connected', { qos: 2 })
  expect(await reader.next()).toMatchObject({ payload: '0', qos: 2, retain: true })
  await reader.end()
  await Promise.all([connect(), connect()])
  map.sysTopics.publishNow()
  const again = await connect({ clientId: 'reader', clean: false }, 4)
  expect(await again.next()).toMatchObject({ payload: '2', qos: 2, retain: false })
})

it('who may read them is what the rules say, as for any topic', async () => {
  const base = withTopics()
  const rules = [
    { action: 'all' as const, filter: '#', allow: true },
    { action: 'subscribe' as const, filter: '$SYS/broker/clients/#', allow: true },
  ]
  system = createSystem(
    defineSystem({
      ...base,
      topicRules: { component: topicRules, config: { rules } },
      broker: { ...base.broker, dependencies: { ...base.broker.dependencies, authorizers: ['topicRules'] } },
    }),
  ) as typeof system
  await system.start()
  map = system.map as typeof map
  const reader = await connect()
  const granted = await reader.mqtt.subscribeAsync('$SYS/broker/clients/total')
  expect(granted.map(({ qos }) => qos)).toEqual([0])
  await expect(reader.mqtt.subscribeAsync('$SYS/broker/uptime')).rejects.toThrow()
})

it('client events tell who connects and disconnects, and are off by default', async () => {
  await start()
  expect(map.broker.forClients.watch).toBeUndefined()
  await system.stop()
  await start({ clientEvents: true })
  const reader = await connect({ clientId: 'reader' })
  await reader.mqtt.subscribeAsync('$SYS/brokers/+/clients/+/+')
  // Its own event may still be under way.
  const next = async () => {
    const { topic, payload, retain } = await reader.next()
    const { clientid, reason } = JSON.parse(payload) as Record<string, unknown>
    return clientid === 'reader' ? undefined : { topic: topic.slice(32), clientid, reason, retain }
  }
  const other = await connect({ clientId: 'a/b', username: 'bob' }, 4)
  await other.end()
  const seen = []
  while (seen.length < 2) seen.push(...[await next()].filter((event) => event !== undefined))
  expect(seen).toEqual([
    { topic: 'clients/a%2Fb/connected', clientid: 'a/b', reason: undefined, retain: false },
    { topic: 'clients/a%2Fb/disconnected', clientid: 'a/b', reason: 'normal', retain: false },
  ])
})
