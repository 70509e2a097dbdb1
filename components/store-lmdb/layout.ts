/**
 * The keys and values of the file. All keys are in one tree, in the order of the table; numbers are big-endian. Messages and
 * receivers have a binary form of their own, sessions and subscriptions are msgpack.
 *
 * | key | value |
 * |---|---|
 * | `00` | format, version of the writer, owner |
 * | `01` id(6) chunk(2) | receivers 32 x chunk and the 31 after it; in chunk 0 also the message |
 * | `01` id(6) `ffff` index(4) | the receiver is owed the message no more. In format 1 also what was sent to it |
 * | `02` text(topic) | retained message, and the number of its publisher if it has one |
 * | `03` number(4) | session with its Will |
 * | `04` number(4) text(filter) | subscription |
 * | `05` number(4) identifier(2) | QoS 2 message from the client, received and not released |
 * | `06` number(4) | publisher of retained messages, behind how many refer to it |
 * | `07` number(4) row(6) | what was sent of the messages 32 x row and the 31 after it since they were written |
 */

import { createHash } from 'node:crypto'
import type { QoS } from 'mqtt-packet'
import type { QueuedMessage } from '../../src/kinds/store.ts'
import { Message } from '../../src/mqtt/message.ts'
import { PackedMessage } from '../../src/mqtt/packed-message.ts'
import { ByteReader, type ByteWriter } from './byte-writer.ts'

/** The format of the file that this code writes. It reads this one and the one before it. Format 1 has no table `sent`. */
export const FORMAT = 2

/** The first byte of a key. */
export const tables = {
  about: 0,
  messages: 1,
  retained: 2,
  sessions: 3,
  subscriptions: 4,
  received: 5,
  sources: 6,
  sent: 7,
} as const

export const ABOUT_KEY = Buffer.from([tables.about])

/** Receivers in one record. */
export const CHUNK_RECEIVERS = 32
/** Receivers of one message in the file. For more of them, the message is stored again. Bounds the removals in one commit. */
export const MAXIMUM_RECEIVERS = 4_096
/** Stands in the place of the chunk in the key of a state. */
const STATE_MARK = 0xffff
/** Longer texts are in a key by their hash. */
const MAXIMUM_TEXT_BYTES = 1_900
const MESSAGE_KEY_BYTES = 9

/** One session that a message is owed to, as it is in the file. */
export interface Receiver {
  /** The number of its session. */
  readonly session: number
  readonly sequence: number
  readonly qos: QoS
  readonly retain: boolean
  readonly packetIdentifier: number
  readonly pubrecOrder: number
  readonly queuedAtMs: number
  readonly subscriptionIdentifiers: readonly number[]
  readonly shared: string | undefined
}

/** What has changed for a receiver since its message was written. */
export interface ReceiverState {
  /** It is owed the message no more. */
  readonly isDone: boolean
  readonly packetIdentifier: number
  readonly pubrecOrder: number
}

export const chunksOf = (receivers: number): number => Math.max(1, Math.ceil(receivers / CHUNK_RECEIVERS))

export const writeMessageKey = (writer: ByteWriter, id: number, chunk: number): void => {
  writer.u8(tables.messages)
  writer.u48(id)
  writer.u16(chunk)
}

export const writeStateKey = (writer: ByteWriter, id: number, index: number): void => {
  writeMessageKey(writer, id, STATE_MARK)
  writer.u32(index)
}

/** The part of a key of the messages: the chunk, or the index of a state. */
export const readMessageKey = (key: Buffer): { id: number; chunk: number; index: number } => {
  const id = key.readUIntBE(1, 6)
  const chunk = key.readUInt16BE(7)
  if (chunk !== STATE_MARK) {
    if (key.length !== MESSAGE_KEY_BYTES) throw new RangeError('the key of a message has another length')
    return { id, chunk, index: -1 }
  }
  return { id, chunk: -1, index: key.readUInt32BE(MESSAGE_KEY_BYTES) }
}

export const writeNumberKey = (writer: ByteWriter, table: number, number: number): void => {
  writer.u8(table)
  writer.u32(number)
}

export const writeSentKey = (writer: ByteWriter, session: number, row: number): void => {
  writeNumberKey(writer, tables.sent, session)
  writer.u48(row)
}

/** `0` and the text, or `1` and its hash when it is long. */
export const writeText = (writer: ByteWriter, text: string): void => {
  const bytes = Buffer.from(text)
  const isLong = bytes.length > MAXIMUM_TEXT_BYTES
  writer.u8(isLong ? 1 : 0)
  writer.put(isLong ? createHash('sha256').update(bytes).digest() : bytes)
}

/** The key of one number table, or of all of its numbers from one on: where a scan starts. */
export const numberKey = (table: number, number: number): Buffer => {
  const key = Buffer.allocUnsafe(5)
  key[0] = table
  key.writeUInt32BE(number, 1)
  return key
}

export const messageKey = (id: number, chunk: number): Buffer => {
  const key = Buffer.allocUnsafe(MESSAGE_KEY_BYTES)
  key[0] = tables.messages
  key.writeUIntBE(id, 1, 6)
  key.writeUInt16BE(chunk, 7)
  return key
}

/** Where the states of a message begin, and where the next message begins. */
export const stateRange = (id: number): { start: Buffer; end: Buffer } => ({
  start: messageKey(id, STATE_MARK),
  end: messageKey(id + 1, 0),
})

const flags = { retain: 4, expires: 8, identifiers: 8, shared: 16, source: 16, pubrec: 32 } as const
const QOS_BITS = 3

/** @param source the number of the publisher of a retained message, written behind it; 0 without one. */
export const writeMessage = (writer: ByteWriter, message: Message, source = 0): void => {
  const { bytes, topicStart, topicEnd, propertiesStart, propertiesEnd, payloadStart, payloadEnd, expiresAtMs } = message
  const expires = expiresAtMs !== Number.POSITIVE_INFINITY
  writer.u8(
    message.qos |
      (message.retain ? flags.retain : 0) |
      (expires ? flags.expires : 0) |
      (source === 0 ? 0 : flags.source),
  )
  writer.u32(topicEnd - topicStart)
  writer.u32(propertiesEnd - propertiesStart)
  writer.u32(payloadEnd - payloadStart)
  if (expires) writer.f64(expiresAtMs)
  writer.copy(bytes, topicStart, topicEnd)
  writer.copy(bytes, propertiesStart, propertiesEnd)
  writer.copy(bytes, payloadStart, payloadEnd)
  if (source !== 0) writer.u32(source)
}

/** @throws RangeError when the bytes are no message. */
export const readMessage = (reader: ByteReader): Message => {
  const first = reader.u8()
  const topic = reader.u32()
  const properties = reader.u32()
  const payload = reader.u32()
  const expiresAtMs = (first & flags.expires) === 0 ? Number.POSITIVE_INFINITY : reader.f64()
  const start = reader.skip(topic + properties + payload)
  const retain = (first & flags.retain) !== 0
  const attributes = { qos: qosOf(first), retain, expiresAtMs }
  return Message.copyOf(reader.bytes, start, { topic, properties, payload }, attributes)
}

/**
 * The retained message that begins here, packed.
 * @returns undefined for one that expires, has a publisher or is large: read it with `readMessage`.
 * @throws RangeError when the bytes are no message.
 */
export const readPackedMessage = (reader: ByteReader): PackedMessage | undefined => {
  const first = reader.u8()
  if ((first & (flags.expires | flags.source)) !== 0) return undefined
  const topic = reader.u32()
  const properties = reader.u32()
  const payload = reader.u32()
  const start = reader.skip(topic + properties + payload)
  const attributes = { qos: qosOf(first), retain: (first & flags.retain) !== 0 }
  return PackedMessage.of(reader.bytes, start, { topic, properties, payload }, attributes)
}

/** The number of the publisher of the retained message that begins here; 0 without one. @throws RangeError at the end of the bytes. */
export const readSourceNumber = (reader: ByteReader): number => {
  const first = reader.u8()
  if ((first & flags.source) === 0) return 0
  const length = reader.u32() + reader.u32() + reader.u32()
  if ((first & flags.expires) !== 0) reader.f64()
  reader.position += length
  return reader.u32()
}

/** The size of the message that begins here, as in `Message.size`. */
export const readMessageSize = (reader: ByteReader): number => {
  reader.u8()
  return reader.u32() + reader.u32() + reader.u32()
}

export const writeReceiver = (
  writer: ByteWriter,
  session: number,
  queued: QueuedMessage,
  packetIdentifier: number,
  pubrecOrder: number,
): void => {
  const { subscriptionIdentifiers, shared } = queued
  writer.u32(session)
  writer.u48(queued.sequence)
  writer.u8(
    queued.qos |
      (queued.retain ? flags.retain : 0) |
      (subscriptionIdentifiers.length > 0 ? flags.identifiers : 0) |
      (shared === undefined ? 0 : flags.shared) |
      (pubrecOrder === 0 ? 0 : flags.pubrec),
  )
  writer.u16(packetIdentifier)
  writer.f64(queued.queuedAtMs)
  if (subscriptionIdentifiers.length > 0) {
    writer.u32(subscriptionIdentifiers.length)
    for (const identifier of subscriptionIdentifiers) writer.u32(identifier)
  }
  if (shared !== undefined) {
    const bytes = Buffer.from(shared)
    writer.u32(bytes.length)
    writer.put(bytes)
  }
  if (pubrecOrder !== 0) writer.u48(pubrecOrder)
}

/** @throws RangeError when the bytes are no receiver. */
export const readReceiver = (reader: ByteReader): Receiver => {
  const session = reader.u32()
  const sequence = reader.u48()
  const first = reader.u8()
  const packetIdentifier = reader.u16()
  const queuedAtMs = reader.f64()
  const subscriptionIdentifiers: number[] = []
  if ((first & flags.identifiers) !== 0) {
    const count = reader.u32()
    for (let index = 0; index < count; index += 1) subscriptionIdentifiers.push(reader.u32())
  }
  const shared = (first & flags.shared) === 0 ? undefined : reader.view(reader.u32()).toString()
  const pubrecOrder = (first & flags.pubrec) === 0 ? 0 : reader.u48()
  const retain = (first & flags.retain) !== 0
  const qos = qosOf(first)
  return { session, sequence, qos, retain, packetIdentifier, pubrecOrder, queuedAtMs, subscriptionIdentifiers, shared }
}

/** The receivers of a chunk; the reader then stands at the message, in chunk 0. */
export const readReceivers = (reader: ByteReader): Receiver[] => {
  const count = reader.u8()
  if (count > CHUNK_RECEIVERS) throw new RangeError(`a record has ${count} receivers`)
  const receivers: Receiver[] = []
  for (let index = 0; index < count; index += 1) receivers.push(readReceiver(reader))
  return receivers
}

/** What the index keeps of the receivers of a message. Lists of numbers, since a start reads millions of receivers. */
export class ReceiverColumns {
  readonly sessions: number[] = []
  readonly sequences: number[] = []
  readonly packetIdentifiers: number[] = []
  readonly pubrecOrders: number[] = []
  readonly areShared: boolean[] = []
  count = 0

  /** Adds the receivers of a chunk, as `readReceivers`. @throws RangeError when the bytes are no receivers. */
  read(reader: ByteReader): void {
    const count = reader.u8()
    if (count > CHUNK_RECEIVERS) throw new RangeError(`a record has ${count} receivers`)
    for (let index = 0; index < count; index += 1) this.#readOne(reader)
  }

  clear(): void {
    this.count = 0
  }

  #readOne(reader: ByteReader): void {
    const at = this.count
    this.sessions[at] = reader.u32()
    this.sequences[at] = reader.u48()
    const first = reader.u8()
    qosOf(first)
    this.packetIdentifiers[at] = reader.u16()
    reader.skip(QUEUED_AT_BYTES)
    if ((first & flags.identifiers) !== 0) reader.skip(reader.u32() * 4)
    this.areShared[at] = (first & flags.shared) !== 0
    if (this.areShared[at]) reader.skip(reader.u32())
    this.pubrecOrders[at] = (first & flags.pubrec) === 0 ? 0 : reader.u48()
    this.count += 1
  }
}

const QUEUED_AT_BYTES = 8
const DONE = 1

export const writeState = (writer: ByteWriter, state: ReceiverState): void => {
  writer.u8(state.isDone ? DONE : 0)
  writer.u16(state.packetIdentifier)
  writer.u48(state.pubrecOrder)
}

export const readState = (value: Buffer): ReceiverState => {
  const reader = new ByteReader(value)
  return { isDone: reader.u8() === DONE, packetIdentifier: reader.u16(), pubrecOrder: reader.u48() }
}

const qosOf = (first: number): QoS => {
  const qos = first & QOS_BITS
  if (qos === 0 || qos === 1 || qos === 2) return qos
  throw new RangeError('it has QoS 3')
}
