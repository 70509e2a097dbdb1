import { expect, it } from 'vitest'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { persistent, realBroker } from '../helpers/real-broker.ts'

/** What operators and other components ask the broker, with real clients. */
const real = realBroker()
const broker = () => real.broker.map.broker

it('disconnect tells an MQTT 5 client Administrative action (0x98)', async () => {
  const client = await real.connect(5, persistent('kitchen'))
  const told = client.event('disconnect')
  const closed = client.event('close')
  expect(broker().client('kitchen')).toMatchObject({ id: 'kitchen', protocolVersion: 5, session: { connected: true } })
  expect(broker().disconnect('kitchen')).toBe(true)
  expect(await told).toMatchObject([{ reasonCode: ReasonCode.AdministrativeAction }])
  await closed
  expect(broker().session('kitchen')).toMatchObject({ connected: false })
  expect(broker().endSession('kitchen')).toBe(true)
  expect(broker().session('kitchen')).toBeUndefined()
})

it('disconnect closes the connection of a client of MQTT 3.1.1', async () => {
  const client = await real.connect(4, { clientId: 'old' })
  const closed = client.event('close')
  broker().disconnect('old')
  await closed
  expect(broker().session('old')).toBeUndefined()
})

it('publish and subscribe reach clients, and are reached by them', async () => {
  const client = await real.connect(5)
  await client.mqtt.subscribeAsync('down', { qos: 1 })
  broker().publish({ topic: 'down', payload: '21 °C', qos: 1 })
  expect(await client.next()).toMatchObject({ topic: 'down', payload: '21 °C', qos: 1 })
  const heard: string[] = []
  const end = broker().subscribe('up/#', ({ topic, payload }) => heard.push(`${topic} ${payload}`))
  // Many at once come as a run.
  await Promise.all(Array.from({ length: 50 }, (_, n) => client.mqtt.publishAsync('up/a', `${n}`, { qos: 1 })))
  expect(heard).toEqual(Array.from({ length: 50 }, (_, n) => `up/a ${n}`))
  end()
})

it('retained messages are listed and deleted', async () => {
  const client = await real.connect(5)
  await client.mqtt.publishAsync('lamp', 'on', { qos: 1, retain: true })
  expect(
    broker()
      .retained('lamp')
      .map(({ payload }) => payload.toString()),
  ).toEqual(['on'])
  expect(broker().deleteRetained('lamp')).toBe(true)
  expect(broker().retained('#')).toEqual([])
})

it('clients are listed with what they have subscribed', async () => {
  const client = await real.connect(5, { clientId: 'lister', keepalive: 77 })
  await client.mqtt.subscribeAsync('a/#', { qos: 2 })
  const info = [...broker().clients()].find(({ id }) => id === 'lister')
  expect(info).toMatchObject({ keepAliveSeconds: 77, session: { subscriptions: [{ filter: 'a/#', qos: 2 }] } })
  expect(info!.bytesReceived).toBeGreaterThan(0)
})
