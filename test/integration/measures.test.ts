import { connectAsync } from 'mqtt'
import { expect, test } from 'vitest'
import { createSystem } from '../../src/system/lifecycle.ts'
import { quietSystem } from '../helpers/start-broker.ts'

test('the system has the numbers of its components', async () => {
  await using system = createSystem(quietSystem)
  await system.start()
  const client = await connectAsync({
    port: system.map.server.port,
    clientId: 'kept',
    clean: false,
    reconnectPeriod: 0,
  })
  await client.subscribeAsync(['a', '$share/all/b'], { qos: 1 })
  await client.publishAsync('a', 'x', { qos: 1, retain: true })
  const labelled = (labels: object = {}) => ['', ...Object.values(labels)].join(' ')
  const numbers = system
    .measures()
    .map(({ component, measure: { name, labels, read } }) => [`${component}.${name}${labelled(labels)}`, read()])
  expect(Object.fromEntries(numbers)).toMatchObject({
    'router.subscriptions': 2,
    'store.sessions': 1,
    'store.retained': 1,
    'mqttDecoder.partial': 0,
    'mqttDecoder.refused_partial': 0,
    'server.open': 1,
    'server.refused': 0,
    'server.listener_open server tcp': 1,
    'server.listener_accepted server tcp': 1,
    'server.listener_refused server tcp': 0,
    'broker.connected': 1,
    'broker.held': 1,
    'broker.away': 0,
    'broker.retained': 1,
    'broker.dropped': 0,
    'mqttHandler.accepted': 1,
    'mqttHandler.received CONNECT': 1,
    'mqttHandler.received PUBLISH': 1,
    'mqttHandler.received_publish 1': 1,
    'mqttHandler.sent SUBACK': 1,
    'mqttHandler.refused Not authorized (0x87)': 0,
  })
  await client.endAsync()
})

test('each counter of the broker and of the handler is among the numbers', async () => {
  await using system = createSystem(quietSystem)
  await system.start()
  const { broker, mqttHandler } = system.map as unknown as Record<
    string,
    { counters: object; core: { counters: object } }
  >
  // Each counter gets a number of its own; lists get one for each of their places.
  const counters = [broker!.core.counters, mqttHandler!.counters]
  const expected: number[] = []
  for (const group of counters) {
    for (const [key, value] of Object.entries(group)) {
      const number = 1_000 + expected.length
      if (value instanceof Float64Array) value.fill(number)
      else Object.assign(group, { [key]: number })
      expected.push(number)
    }
  }
  const read = new Set(system.measures().map(({ measure }) => measure.read()))
  expect(expected.filter((number) => !read.has(number))).toEqual([])
})
