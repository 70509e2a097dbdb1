import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Message } from './message.ts'

/** A message as a decoder lends it: somewhere in a chunk. */
const lent = () => {
  const lent = new Message()
  const message = Message.refill(lent, Buffer.from('....topic/aPROPERTIESpayload....'))
  message.topicStart = 4
  message.topicEnd = 11
  message.propertiesStart = 11
  message.propertiesEnd = 21
  message.payloadStart = 21
  message.payloadEnd = 28
  message.qos = 1
  message.retain = true
  message.expiresAtMs = 5
  return lent
}
const parts = ({ topic, properties, payload, qos, retain, expiresAtMs, size }: Message) => ({
  ...{ topic, properties: `${properties}`, payload: `${payload}`, qos, retain, expiresAtMs, size },
})
const expected = {
  ...{ topic: 'topic/a', properties: 'PROPERTIES', payload: 'payload', qos: 1, retain: true, expiresAtMs: 5, size: 24 },
}

describe('a message', () => {
  it('prints without the bytes around it', () => {
    expect(inspect(lent())).toBe('Message { topic: "topic/a", qos: 1, retain: true, payload: 7 bytes }')
    expect(inspect([lent().keep()])).toContain('Message { topic: "topic/a", qos: 1, retain: true, payload: 7 bytes }')
  })

  it.each([
    ['keep', (message: Message) => message.keep()],
    ['alone', (message: Message) => message.alone()],
  ])('that is kept (%s) stays as it is when its chunk is overwritten', (_, copyOf) => {
    const message = lent()
    const { serial } = message
    const kept = copyOf(message)
    message.bytes.fill('x')
    expect(parts(kept)).toEqual(expected)
    expect(kept.serial).toBe(serial)
    expect(kept.keep()).toBe(kept)
  })

  it('is copied once for all who keep it, and again for the next message', () => {
    const message = lent()
    const kept = message.keep()
    expect(message.keep()).toBe(kept)
    Message.refill(message, Buffer.from('another'))
    expect(message.keep()).not.toBe(kept)
    expect(message.serial).not.toBe(kept.serial)
  })

  it.each([[1], [100], [4_096], [4_097], [9_000]])(
    'of %i bytes is kept beside others, and they do not change each other',
    (size) => {
      const kept = Array.from({ length: 300 }, (_, n) => {
        const message = new Message()
        Message.refill(message, Buffer.alloc(size, n)).payloadEnd = size
        return message.keep()
      })
      for (const [n, message] of kept.entries()) {
        expect(message.payload.equals(Buffer.alloc(size, n))).toBe(true)
        const { bytes, payload } = message.alone()
        expect([bytes.length, bytes.buffer.byteLength, payload.length]).toEqual([size, size, size])
      }
    },
  )

  it('that owns its memory is kept without a copy', () => {
    const message = Object.assign(lent(), { owned: true })
    const kept = message.keep()
    expect(kept.bytes).toBe(message.bytes)
    Message.refill(message, Buffer.from('another'))
    expect(parts(kept)).toEqual(expected)
    expect(parts(kept.alone())).toEqual(expected)
  })

  it('that is alone shares its memory with nothing', () => {
    const { bytes } = lent().alone()
    expect(bytes.buffer.byteLength).toBe(bytes.length)
  })

  it('gets another Topic Name and keeps all other parts', () => {
    expect(parts(lent().with({ topic: Buffer.from('b') }))).toEqual({ ...expected, topic: 'b', size: 18 })
  })

  it('that is made from parts accepts its payload as bytes or as text', () => {
    expect(Message.of({ topic: 'a', payload: 'grüße' })).toMatchObject({
      payload: Buffer.from('grüße'),
      payloadLength: 7,
    })
    expect(Message.of({ topic: 'a', payload: Uint8Array.of(0, 255) }).payload).toEqual(Buffer.from([0, 255]))
  })

  it.each([
    ['made of parts', Message.of({ topic: 'a' })],
    ['kept', lent().keep()],
    ['that owned its memory, kept', Object.assign(lent(), { owned: true }).keep()],
  ])('%s is never filled again', (_, message) => {
    expect(() => Message.refill(message, Buffer.alloc(0))).toThrow('A message that is kept cannot be filled again.')
  })
})

describe('a message that is copied from lent memory', () => {
  const lengths = { topic: 7, properties: 10, payload: 7 }
  const attributes = { qos: 1, retain: true, expiresAtMs: 5 } as const

  it('has the parts, and keeps them when the memory has something else', () => {
    const memory = Buffer.from('....topic/aPROPERTIESpayload....')
    const message = Message.copyOf(memory, 4, lengths, attributes)
    memory.fill('x')
    expect(parts(message)).toEqual(parts(lent()))
    expect(message.keep()).toBe(message)
    expect(() => Message.refill(message, memory)).toThrow(TypeError)
  })

  it('may be long, or empty', () => {
    const long = Buffer.alloc(20_000, 'l')
    const message = Message.copyOf(long, 1, { topic: 1, properties: 0, payload: 19_998 }, attributes)
    expect(message.payload.equals(long.subarray(2))).toBe(true)
    expect(Message.copyOf(long, 3, { topic: 0, properties: 0, payload: 0 }, attributes).size).toBe(0)
  })

  it('decodes its topic with or without keeping the string', () => {
    const message = Message.copyOf(Buffer.from('t/é'), 0, { topic: 4, properties: 0, payload: 0 }, attributes)
    expect(message.decodeTopic()).toBe('t/é')
    expect(message.topic).toBe('t/é')
    expect(message.decodeTopic()).toBe('t/é')
  })
})
