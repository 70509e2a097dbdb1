import { type IPublishPacket, type Packet, parser } from 'mqtt-packet'
import { expect, it } from 'vitest'
import { Message } from '../../src/mqtt/message.ts'
import { encodeForwardedProperties } from '../../test/helpers/encode-properties.ts'
import { encodePublish, outgoingSize } from './encode-publish.ts'
import { encodeHop, HOP } from './hops.ts'

const decode = (bytes: Buffer, protocolVersion: 4 | 5): IPublishPacket => {
  const packets: Packet[] = []
  const parsing = parser({ protocolVersion })
  parsing.on('packet', (packet: Packet) => packets.push(packet))
  parsing.parse(bytes)
  return packets[0] as IPublishPacket
}
const properties = encodeForwardedProperties({ contentType: 'text/plain', userProperties: { a: 'b' } })
const publish = {
  message: Message.of({ topic: 'local', payload: Buffer.alloc(20_000, 1), properties }),
  ...{ topic: Buffer.from('remote/ä'), hop: encodeHop('me'), messageExpiryInterval: 60 },
  ...({ qos: 2, retain: true, dup: true, packetIdentifier: 0x1234 } as const),
}

it('is a packet of MQTT 5 with the properties of the message and its own', () => {
  const bytes = encodePublish(publish, true)
  expect(bytes).toHaveLength(outgoingSize(publish, true))
  const { topic, qos, retain, dup, messageId, payload, properties: found } = decode(bytes, 5)
  expect({ topic, qos, retain, dup, messageId }).toEqual({
    ...{ topic: 'remote/ä', qos: 2, retain: true, dup: true, messageId: 0x1234 },
  })
  expect(payload).toEqual(publish.message.payload)
  expect({ ...found, userProperties: { ...found?.userProperties } }).toEqual({
    ...{ contentType: 'text/plain', messageExpiryInterval: 60, userProperties: { a: 'b', [HOP]: 'me' } },
  })
})

it('has no properties in MQTT 3.1.1, and no Packet Identifier at QoS 0', () => {
  const plain = { ...publish, qos: 0, dup: false } as const
  const bytes = encodePublish(plain, false)
  expect(bytes).toHaveLength(outgoingSize(plain, false))
  expect(bytes).toHaveLength(4 + 2 + publish.topic.length + 20_000)
  expect(decode(bytes, 4)).toMatchObject({ topic: 'remote/ä', qos: 0, retain: true })
})
