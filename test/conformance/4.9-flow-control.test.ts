import { describe, expect, it } from 'vitest'
import { conformanceBroker, unique } from '../helpers/conformance-broker.ts'

describe.concurrent('4.9 Flow control', () => {
  const broker = conformanceBroker()

  it.each([1, 2, 5])(
    'with Receive Maximum %i that many messages are sent at first [MQTT-4.9.0-1, MQTT-4.9.0-2]',
    async (receiveMaximum) => {
      const topic = unique()
      const client = await broker.connect({ properties: { receiveMaximum } })
      await client.subscribe(topic, { qos: 2 })
      const publisher = await broker.connect()
      for (let n = 0; n < 10; n += 1) await publisher.publish(topic, `${n}`, { qos: n % 2 === 0 ? 1 : 2 })
      expect(await client.untilPing()).toHaveLength(receiveMaximum)
      await client.expectNothing()
    },
  )

  it('without Receive Maximum at least one is sent, and more with each acknowledgement [MQTT-4.9.0-1, MQTT-4.9.0-2]', async () => {
    const topic = unique()
    const client = await broker.connect()
    await client.subscribe(topic, { qos: 1 })
    const publisher = await broker.connect()
    for (let n = 0; n < 300; n += 1) publisher.sendPublish(topic, `${n}`, { qos: 1 })
    for (let n = 0; n < 300; n += 1) await publisher.take('puback')
    for (let n = 0; n < 300; n += 1) await client.message({ payload: `${n}` })
    await client.expectNothing()
  })

  it('the quota is as large as at first on the next connection, what is sent again included [MQTT-4.9.0-1, MQTT-4.9.0-2]', async () => {
    const [clientId, topic] = [unique(), unique()]
    const connect = { clientId, properties: { receiveMaximum: 2, sessionExpiryInterval: 600 } }
    const client = await broker.connect(connect)
    await client.subscribe(topic, { qos: 1 })
    const publisher = await broker.connect()
    for (let n = 0; n < 6; n += 1) await publisher.publish(topic, `${n}`)
    expect(await client.untilPing()).toHaveLength(2)
    await client.vanish()
    const back = await broker.connect({ ...connect, clean: false })
    const again = await back.untilPing()
    expect(again.map(({ payload, dup }) => [payload, dup])).toEqual([
      ['0', true],
      ['1', true],
    ])
    back.send({ cmd: 'puback', messageId: again[0]!.messageId! })
    expect((await back.untilPing()).map(({ payload }) => payload)).toEqual(['2'])
  })

  it('a smaller Receive Maximum on the next connection holds for what is sent again, too [MQTT-4.9.0-1]', async () => {
    const [clientId, topic] = [unique(), unique()]
    const properties = { sessionExpiryInterval: 600 }
    const client = await broker.connect({ clientId, properties: { ...properties, receiveMaximum: 4 } })
    await client.subscribe(topic, { qos: 2 })
    const publisher = await broker.connect()
    for (let n = 0; n < 4; n += 1) await publisher.publish(topic, `${n}`, { qos: 2 })
    expect(await client.untilPing()).toHaveLength(4)
    await client.vanish()
    const back = await broker.connect({ clientId, clean: false, properties: { ...properties, receiveMaximum: 2 } })
    expect((await back.untilPing()).map(({ payload }) => payload)).toEqual(['0', '1'])
  })

  it('an acknowledgement of what was not sent again yet frees no place [MQTT-4.9.0-2]', async () => {
    const [clientId, topic] = [unique(), unique()]
    const properties = { sessionExpiryInterval: 600 }
    const client = await broker.connect({ clientId, properties: { ...properties, receiveMaximum: 4 } })
    await client.subscribe(topic, { qos: 1 })
    const publisher = await broker.connect()
    for (let n = 0; n < 6; n += 1) await publisher.publish(topic, `${n}`)
    const sent = await client.untilPing()
    await client.vanish()
    const back = await broker.connect({ clientId, clean: false, properties: { ...properties, receiveMaximum: 1 } })
    const { messageId } = await back.expect({ cmd: 'publish', payload: '0' })
    // It remembers the last connection, where it had the others too.
    back.send({ cmd: 'puback', messageId: sent[1]!.messageId! }, { cmd: 'puback', messageId: sent[2]!.messageId! })
    await back.expectNothing()
    back.send({ cmd: 'puback', messageId: messageId! })
    expect((await back.untilPing()).map(({ payload }) => payload)).toEqual(['3'])
  })

  it('acknowledgements of what was not sent do not raise the quota over its beginning [MQTT-4.9.0-2]', async () => {
    const topic = unique()
    const client = await broker.connect({ properties: { receiveMaximum: 1 } })
    await client.subscribe(topic, { qos: 1 })
    client.send('40 @ 0031', '40 @ 0032', '70 @ 0033', '50 @ 0034 80')
    await client.untilPing()
    const publisher = await broker.connect()
    for (let n = 0; n < 4; n += 1) await publisher.publish(topic, `${n}`)
    const packets = await client.untilPing()
    expect(packets.map(({ payload }) => payload)).toEqual(['0'])
    // The same acknowledgement twice counts once.
    client.send(
      { cmd: 'puback', messageId: packets[0]!.messageId! },
      { cmd: 'puback', messageId: packets[0]!.messageId! },
    )
    expect((await client.untilPing()).filter(({ payload }) => payload === '2')).toEqual([])
  })

  it('all other packets are answered while the quota is zero [MQTT-4.9.0-3]', async () => {
    const topic = unique()
    const client = await broker.connect({ properties: { receiveMaximum: 1 } })
    await client.subscribe(topic, { qos: 2 })
    const publisher = await broker.connect()
    for (let n = 0; n < 3; n += 1) await publisher.publish(topic, `${n}`, { qos: 2 })
    const { messageId } = await client.expect({ cmd: 'publish', payload: '0' })
    const other = unique()
    await client.subscribe(other, { qos: 0 })
    await client.publish(other, 'at 0', { qos: 0 })
    await client.message({ payload: 'at 0' })
    await client.publish(other, 'at 1', { qos: 1 })
    await client.message({ payload: 'at 1' })
    await client.publish(other, 'at 2', { qos: 2 })
    await client.message({ payload: 'at 2' })
    await client.unsubscribe(other)
    client.send({ cmd: 'pubrec', messageId: messageId! })
    await client.expect({ cmd: 'pubrel', messageId })
    await client.expectNothing()
    client.send({ cmd: 'pubcomp', messageId: messageId! })
    await client.expect({ cmd: 'publish', payload: '1' })
  })
})
