import { describe, expect, it } from 'vitest'
import { persistent, realBroker } from '../helpers/real-broker.ts'

const { connect } = realBroker({ maximumInflight: 10 })

describe.each([3, 4, 5] as const)('sessions of mqtt.js in version %i', (version) => {
  const id = (name: string) => `${name} ${version}`
  /** MQTT 3.1 has no Session Present. */
  const present = version !== 3

  it('outlive the connection, with their subscriptions and what was published meanwhile', async () => {
    const options = persistent(id('absent'))
    const first = await connect(version, options)
    expect(first.connack.sessionPresent).toBe(false)
    await first.mqtt.subscribeAsync({ [id('one')]: { qos: 1 }, [id('two')]: { qos: 2 }, [id('zero')]: { qos: 0 } })
    await first.end()
    const publisher = await connect(version)
    const sent = Array.from({ length: 50 }, (_, n) => `${n}`)
    for (const payload of sent) {
      await publisher.mqtt.publishAsync(id('zero'), payload, { qos: 2 })
      await publisher.mqtt.publishAsync(id('one'), payload, { qos: 2 })
      await publisher.mqtt.publishAsync(id('two'), payload, { qos: 2 })
    }
    const again = await connect(version, options)
    expect(again.connack.sessionPresent).toBe(present)
    const received = await again.take(100)
    for (const qos of [1, 2]) {
      expect(received.filter((message) => message.qos === qos).map(({ payload }) => payload)).toEqual(sent)
    }
    // The subscriptions are there without another SUBSCRIBE.
    await publisher.mqtt.publishAsync(id('zero'), 'now', { qos: 0 })
    expect(await again.next()).toMatchObject({ topic: id('zero'), payload: 'now', qos: 0 })
  })

  it('are clean when the client wants that', async () => {
    const first = await connect(version, persistent(id('cleaned')))
    await first.mqtt.subscribeAsync(id('cleaned'), { qos: 1 })
    await first.end()
    const clean = await connect(version, persistent(id('cleaned'), { clean: true }))
    expect(clean.connack.sessionPresent).toBe(false)
    const publisher = await connect(version)
    await publisher.mqtt.publishAsync(id('cleaned'), 'x', { qos: 1 })
    expect(await clean.payloads()).toEqual([])
  })

  it('send again what was not acknowledged, with DUP and in order', async () => {
    const options = persistent(id('unacknowledged'))
    const first = await connect(version, options)
    await first.mqtt.subscribeAsync(id('held'), { qos: 1 })
    // Messages come in, and no PUBACK goes out.
    first.mqtt.handleMessage = () => undefined
    const publisher = await connect(version)
    const sent = ['a', 'b', 'c']
    for (const payload of sent) await publisher.mqtt.publishAsync(id('held'), payload, { qos: 1 })
    await first.next()
    await first.vanish()
    const again = await connect(version, options)
    const received = await again.take(3)
    expect(received.map(({ payload }) => payload)).toEqual(sent)
    expect(received.map(({ dup }) => dup)).toEqual([true, true, true])
    expect(await again.payloads()).toEqual([])
  })

  it('are taken over by another connection of the same client', async () => {
    const first = await connect(version, persistent(id('taken')))
    await first.mqtt.subscribeAsync(id('taken'), { qos: 1 })
    const told = version === 5 ? first.event('disconnect') : undefined
    const closed = first.event('close')
    const second = await connect(version, persistent(id('taken')))
    await closed
    if (told !== undefined) expect((await told)[0]).toMatchObject({ reasonCode: 0x8e })
    expect(second.connack.sessionPresent).toBe(present)
    await second.mqtt.publishAsync(id('taken'), 'x', { qos: 1 })
    expect(await second.next()).toMatchObject({ payload: 'x' })
  })

  it('deliver thousands of messages in order at every QoS', async () => {
    const [publisher, subscriber] = await Promise.all([connect(version), connect(version)])
    for (const qos of [0, 1, 2] as const) {
      const topic = `${id('many')}/${qos}`
      await subscriber.mqtt.subscribeAsync(topic, { qos })
      const sent = Array.from({ length: 500 }, (_, n) => `${n}`)
      await Promise.all(sent.map((payload) => publisher.mqtt.publishAsync(topic, payload, { qos })))
      expect((await subscriber.take(500)).map(({ payload }) => payload)).toEqual(sent)
    }
  })
})

it('a session of one version is continued in another', async () => {
  const first = await connect(5, persistent('changing'))
  await first.mqtt.subscribeAsync('changing', { qos: 1, nl: true, rap: true })
  await first.end()
  const publisher = await connect(4)
  await publisher.mqtt.publishAsync('changing', 'x', { qos: 1 })
  const second = await connect(4, persistent('changing'))
  expect(second.connack.sessionPresent).toBe(true)
  expect(await second.next()).toMatchObject({ payload: 'x' })
  await second.end()
  const third = await connect(3, persistent('changing'))
  await publisher.mqtt.publishAsync('changing', 'y', { qos: 1 })
  expect(await third.next()).toMatchObject({ payload: 'y' })
})
