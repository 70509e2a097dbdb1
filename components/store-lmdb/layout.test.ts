import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Message } from '../../src/mqtt/message.ts'
import { fuzzSeed } from '../../test/helpers/packets.ts'
import { messageParts, queuedMessage, sessionRecord, subscriptionTo } from '../../test/helpers/store-records.ts'
import { ByteReader, ByteWriter } from './byte-writer.ts'
import {
  CHUNK_RECEIVERS,
  messageKey,
  numberKey,
  readMessage,
  readMessageKey,
  readMessageSize,
  readReceiver,
  readReceivers,
  readState,
  stateRange,
  writeMessage,
  writeMessageKey,
  writeReceiver,
  writeState,
  writeStateKey,
  writeText,
} from './layout.ts'
import { readSession, readSessionId, readSubscription, writeSession, writeSubscription } from './values.ts'

const written = (write: (writer: ByteWriter) => void): Buffer => {
  const writer = new ByteWriter(1)
  write(writer)
  return writer.bytes.subarray(0, writer.position)
}
const check = <T>(arbitrary: fc.Arbitrary<T>, predicate: (value: T) => void) =>
  fc.assert(fc.property(arbitrary, predicate), { seed: fuzzSeed })

const u48 = fc.integer({ min: 0, max: 2 ** 48 - 1 })
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const u16 = fc.nat(65_535)
const bytes = fc.uint8Array({ maxLength: 300 })
const message = fc
  .record({
    topic: fc.string({ unit: 'grapheme', minLength: 1 }),
    payload: bytes,
    properties: bytes,
    qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
    retain: fc.boolean(),
    expiresAtMs: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.double({ min: 0, max: 1e15, noNaN: true })),
  })
  .map((parts) => Message.of(parts))

describe('the layout of the file', () => {
  it('gives a message back as it was', () => {
    check(message, (given) => {
      const value = written((writer) => writeMessage(writer, given))
      expect(messageParts(readMessage(new ByteReader(value)))).toEqual(messageParts(given))
      expect(readMessageSize(new ByteReader(value))).toBe(given.size)
    })
  })

  it('gives a receiver back as it was, and stands behind it then', () => {
    const receiver = fc.record({
      session: u32,
      sequence: u48,
      qos: fc.constantFrom(1 as const, 2 as const),
      retain: fc.boolean(),
      packetIdentifier: u16,
      pubrecOrder: u48,
      queuedAtMs: fc.double({ min: 0, max: 1e15, noNaN: true }),
      subscriptionIdentifiers: fc.array(fc.integer({ min: 1, max: 268_435_455 }), { maxLength: 5 }),
      shared: fc.option(fc.string({ unit: 'grapheme' }), { nil: undefined }),
    })
    check(fc.array(receiver, { maxLength: CHUNK_RECEIVERS }), (receivers) => {
      const value = written((writer) => {
        writer.u8(receivers.length)
        for (const { session, packetIdentifier, pubrecOrder, ...queued } of receivers) {
          writeReceiver(writer, session, queuedMessage(queued), packetIdentifier, pubrecOrder)
        }
      })
      const reader = new ByteReader(value)
      expect(readReceivers(reader)).toEqual(receivers)
      expect(reader.atEnd).toBe(true)
    })
  })

  it('gives a state back as it was', () => {
    check(fc.record({ isDone: fc.boolean(), packetIdentifier: u16, pubrecOrder: u48 }), (state) => {
      expect(readState(written((writer) => writeState(writer, state)))).toEqual(state)
    })
  })

  it('gives keys back, in the order of messages, chunks and states', () => {
    check(
      fc.tuple(
        u48.filter((id) => id < 2 ** 48 - 1),
        fc.nat(127),
        fc.nat(4095),
      ),
      ([id, chunk, index]) => {
        const key = written((writer) => writeMessageKey(writer, id, chunk))
        const state = written((writer) => writeStateKey(writer, id, index))
        expect(readMessageKey(key)).toEqual({ id, chunk, index: -1 })
        expect(readMessageKey(state)).toEqual({ id, chunk: -1, index })
        expect(key).toEqual(messageKey(id, chunk))
        const { start, end } = stateRange(id)
        const order = [messageKey(id, 0), key, start, state, end]
        expect(order.toSorted(Buffer.compare)).toEqual(order)
      },
    )
  })

  it('has keys of at most 1,978 bytes, and different ones for different texts', () => {
    const long = 'x'.repeat(65_535)
    const keyOf = (text: string) => written((writer) => writeText(writer, text))
    for (const text of ['', 'a', 'x'.repeat(1_900), 'x'.repeat(1_901), long])
      expect(keyOf(text).length + 5).toBeLessThan(1_979)
    expect(keyOf(long)).not.toEqual(keyOf(`${long.slice(1)}y`))
    check(fc.tuple(fc.string(), fc.string()), ([a, b]) => {
      expect(keyOf(a).equals(keyOf(b))).toBe(a === b)
    })
    expect(numberKey(3, 0xffff_ffff).toString('hex')).toBe('03ffffffff')
  })

  it('gives sessions and subscriptions back as they were', () => {
    const will = { message: Message.of({ topic: 'w', payload: 'gone' }), delaySeconds: 5, messageExpiryInterval: -1 }
    for (const record of [sessionRecord({ id: 'ü' }), sessionRecord({ will, disconnectedAtMs: 1.5 })]) {
      const value = written((writer) => writeSession(writer, record))
      const read = readSession(value)
      expect({ ...read, will: undefined }).toEqual({ ...record, will: undefined })
      expect(read.will?.message.payload.toString()).toBe(record.will?.message.payload.toString())
      expect(readSessionId(value)).toBe(record.id)
    }
    const subscription = { ...subscriptionTo('$share/g/a/#'), qos: 2 as const, identifier: 7 }
    expect(readSubscription(written((writer) => writeSubscription(writer, subscription)))).toEqual(subscription)
  })

  it('refuses bytes that are cut off or changed', () => {
    const value = written((writer) => writeMessage(writer, Message.of({ topic: 'topic', payload: 'payload' })))
    for (let length = 0; length < value.length; length += 1) {
      expect(() => readMessage(new ByteReader(value.subarray(0, length)))).toThrow(RangeError)
    }
    const receiver = written((writer) => writeReceiver(writer, 1, queuedMessage(), 0, 0))
    for (let length = 0; length < receiver.length; length += 1) {
      expect(() => readReceiver(new ByteReader(receiver.subarray(0, length)))).toThrow(RangeError)
    }
    expect(() => readReceivers(new ByteReader(Buffer.from([33])))).toThrow('33 receivers')
    expect(() => readMessage(new ByteReader(Buffer.from(value).fill(3, 0, 1)))).toThrow('QoS 3')
    expect(() => readMessageKey(Buffer.alloc(11))).toThrow('another length')
  })
})
