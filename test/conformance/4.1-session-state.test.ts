import { describe, expect, it } from 'vitest'
import { after } from '../helpers/after.ts'
import { conformanceBroker, unique } from '../helpers/conformance-broker.ts'
import type { ConformanceClient } from '../helpers/conformance-client.ts'
import { withinRealTime } from '../helpers/eventually.ts'

describe.concurrent('4.1 Session State and 4.2 Network Connections', () => {
  const broker = conformanceBroker()
  /** The end of a session is shown by its Will, which is published only then. */
  const withWill = (topic: string, sessionExpiryInterval: number) => ({
    properties: { sessionExpiryInterval },
    will: { topic, payload: 'ended', qos: 0 as const, retain: false, properties: { willDelayInterval: 600 } },
  })
  const watch = async (topic: string): Promise<ConformanceClient> => {
    const watcher = await broker.connect()
    await watcher.subscribe(topic)
    return watcher
  }

  it('is not discarded while the connection is open, however long [MQTT-4.1.0-1]', async () => {
    const [topic, clock] = [unique(), unique()]
    const watcher = await watch(clock)
    const clients = [
      await broker.connect(),
      await broker.connect({ properties: { sessionExpiryInterval: 1 } }),
      await broker.connect({ properties: { sessionExpiryInterval: 0 } }),
    ]
    for (const client of clients) await client.subscribe(topic, { qos: 2 })
    // Another session with an interval of 2 s ends meanwhile.
    await (await broker.connect(withWill(clock, 2))).vanish()
    await watcher.message({ payload: 'ended' })
    await watcher.publish(topic, 'x', { qos: 2 })
    for (const client of clients) await client.message({ payload: 'x' })
  })

  it('is not discarded when the client came back in time, and stays [MQTT-4.1.0-1]', withinRealTime, async () => {
    const [clientId, topic, clock] = [unique(), unique(), unique()]
    const watcher = await watch(clock)
    const properties = { sessionExpiryInterval: 1 }
    const client = await broker.connect({ clientId, properties })
    await client.subscribe(topic, { qos: 1 })
    await client.vanish()
    const back = await broker.connect({ clientId, properties, clean: false })
    // The interval that began with the first connection's end is long over when this Will comes.
    await (await broker.connect(withWill(clock, 2))).vanish()
    await watcher.message({ payload: 'ended' })
    await watcher.publish(topic, 'x')
    await back.message({ payload: 'x' })
    await back.vanish()
    const again = await broker.connect({ clientId, properties, clean: false })
    expect(again.connack?.sessionPresent).toBe(true)
  })

  it('is discarded with the connection when Session Expiry Interval is 0 or absent [MQTT-4.1.0-2]', async () => {
    for (const properties of [{}, { sessionExpiryInterval: 0 }]) {
      const [clientId, topic] = [unique(), unique()]
      const client = await broker.connect({ clientId, properties })
      await client.subscribe(topic, { qos: 1 })
      await client.vanish()
      const back = await broker.connect({ clientId, clean: false })
      expect(back.connack?.sessionPresent).toBe(false)
      await back.publish(topic, 'x')
      await back.expectNothing()
    }
  })

  it('is discarded when Session Expiry Interval has passed, not before [MQTT-4.1.0-2]', withinRealTime, async () => {
    const [clientId, topic] = [unique(), unique()]
    const watcher = await watch(topic)
    const client = await broker.connect({ clientId, ...withWill(topic, 1) })
    await client.vanish()
    const back = await broker.connect({ clientId, clean: false, ...withWill(topic, 1) })
    expect(back.connack?.sessionPresent).toBe(true)
    await back.vanish()
    await watcher.message({ payload: 'ended' })
    const late = await broker.connect({ clientId, clean: false })
    expect(late.connack?.sessionPresent).toBe(false)
  })

  it('counts the interval from the end of the connection, and that of the last one [MQTT-4.1.0-2]', async () => {
    const [clientId, topic] = [unique(), unique()]
    const watcher = await watch(topic)
    const long = await broker.connect({ clientId, properties: { sessionExpiryInterval: 600 } })
    await long.vanish()
    const short = await broker.connect({ clientId, clean: false, ...withWill(topic, 1) })
    const isDue = after(950)
    await short.vanish()
    await watcher.message({ payload: 'ended' })
    expect(isDue()).toBe(true)
    expect((await broker.connect({ clientId, clean: false })).connack?.sessionPresent).toBe(false)
  })

  it('a DISCONNECT can set the interval that counts [MQTT-4.1.0-2]', async () => {
    const [clientId, clock] = [unique(), unique()]
    const watcher = await watch(clock)
    const client = await broker.connect({ clientId, properties: { sessionExpiryInterval: 600 } })
    await client.disconnect('e0 @ 00 [11 00000001]')
    await (await broker.connect(withWill(clock, 2))).vanish()
    await watcher.message({ payload: 'ended' })
    expect((await broker.connect({ clientId, clean: false })).connack?.sessionPresent).toBe(false)
  })

  it('over TCP bytes of any amount arrive, in order [MQTT-4.2-1]', async () => {
    const topic = unique()
    const [client, publisher] = [await broker.connect(), await broker.connect()]
    await client.subscribe(topic)
    const payloads = Array.from({ length: 300 }, (_, n) => `${n} ${'x'.repeat((n * 997) % 5_000)}`)
    for (const payload of payloads) publisher.sendPublish(topic, payload)
    await publisher.untilPing()
    expect((await client.untilPing()).map(({ payload }) => payload)).toEqual(payloads)
  })

  it('over TCP bytes may come one by one [MQTT-4.2-1]', async () => {
    const topic = unique()
    const client = await broker.connect()
    await client.subscribe(topic)
    const bytes = client.encode({ cmd: 'publish', topic, payload: 'slow', qos: 0, dup: false, retain: false })
    for (const byte of bytes) {
      client.raw.socket.write(Buffer.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await client.message({ payload: 'slow' })
  })
})
