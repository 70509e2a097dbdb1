import fc from 'fast-check'
import { expect, it } from 'vitest'
import { topicName } from '../../test/helpers/arbitrary-topics.ts'
import { Message } from './message.ts'
import { PackedMessage } from './packed-message.ts'

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))

const packed = ({ bytes: memory, topicStart, topicEnd, properties, payload, qos, retain }: Message) =>
  PackedMessage.of(
    memory,
    topicStart,
    { topic: topicEnd - topicStart, properties: properties.length, payload: payload.length },
    { qos, retain },
  )

it('has every part and attribute of its message', () => {
  const topic = fc.oneof(topicName, fc.constantFrom('a', 'ä', 'Straße/ß', '水/温度', '🌡/1', '/', 'a/🌡'))
  const parts = {
    topic,
    properties: bytes(40),
    payload: bytes(300),
    qos: fc.constantFrom(0, 1, 2),
    retain: fc.boolean(),
  }
  fc.assert(
    fc.property(fc.record(parts), (each) => {
      const message = Message.of(each as Parameters<typeof Message.of>[0])
      const unpacked = packed(message)!.message
      expect(packed(message)!.topic).toBe(each.topic)
      expect(packed(message)!.topicLength).toBe(Buffer.byteLength(each.topic))
      expect(unpacked.topic).toBe(each.topic)
      expect(unpacked.properties).toEqual(message.properties)
      expect(unpacked.payload).toEqual(message.payload)
      expect([unpacked.qos, unpacked.retain]).toEqual([each.qos, each.retain])
      expect(unpacked.expiresAtMs).toBe(Number.POSITIVE_INFINITY)
      expect(unpacked.keep()).toBe(unpacked)
    }),
  )
})

it('is made up to 8,191 bytes', () => {
  const of = (payloadLength: number) => packed(Message.of({ topic: 'a', payload: Buffer.alloc(payloadLength, 0xfe) }))
  expect(of(8_190)!.message.payload).toEqual(Buffer.alloc(8_190, 0xfe))
  expect(of(8_191)).toBeUndefined()
})

it('does not change when the memory is used again', () => {
  const memory = Buffer.from('t/1payload')
  const message = PackedMessage.of(memory, 0, { topic: 3, properties: 0, payload: 7 }, { qos: 1, retain: true })!
  memory.fill(0)
  expect([message.topic, message.message.payload.toString()]).toEqual(['t/1', 'payload'])
})
