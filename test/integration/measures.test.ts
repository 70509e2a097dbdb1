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
  const numbers = system.measures().map(({ component, measure: { name, read } }) => [`${component}.${name}`, read()])
  expect(Object.fromEntries(numbers)).toMatchObject({
    'router.subscriptions': 2,
    'store.sessions': 1,
    'store.retained': 1,
    'mqttDecoder.partial': 0,
    'mqttDecoder.refused_partial': 0,
    'server.open': 1,
    'server.refused': 0,
  })
  await client.endAsync()
})
