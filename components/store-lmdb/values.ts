import { Packr } from 'msgpackr'
import {
  plainRecords,
  sessionFromPlain,
  sessionToPlain,
  sourceFromPlain,
  sourceToPlain,
  subscriptionToPlain,
} from '../../src/kinds/plain-records.ts'
import type { RetainedSource, SessionRecord } from '../../src/kinds/store.ts'
import type { Message } from '../../src/mqtt/message.ts'
import type { Subscription } from '../../src/mqtt/subscription.ts'
import { ByteReader, type ByteWriter } from './byte-writer.ts'
import { readMessage, writeMessage } from './layout.ts'
import { isPlainSession, isPlainSubscription } from './plain-checks.ts'

/** Without shared structures: each record can be read by itself. Bytes are copied, since the memory of a record may be lent. */
const packr = new Packr({ useRecords: false, copyBuffers: true })

/** The Client Identifier, the record, each behind its length, and the message of its Will. */
export const writeSession = (writer: ByteWriter, record: SessionRecord): void => {
  let will: Message | undefined
  const plain = sessionToPlain(record, (message) => {
    will = message
    return 0
  })
  const packed = packr.pack(plain)
  const id = Buffer.from(record.id)
  writer.u32(id.length)
  writer.put(id)
  writer.u32(packed.length)
  writer.put(packed)
  if (will !== undefined) writeMessage(writer, will)
}

/** @throws an Error that says what is wrong. */
export const readSession = (value: Buffer): SessionRecord => {
  const reader = new ByteReader(value)
  reader.view(reader.u32())
  const unpacked: unknown = packr.unpack(reader.view(reader.u32()))
  // The time of the schema counts for hundred thousands of sessions at a start.
  const plain = isPlainSession(unpacked) ? unpacked : plainRecords.session.parse(unpacked)
  return sessionFromPlain(plain, () => readMessage(reader))
}

/** The Client Identifier of a session, without the rest. */
export const readSessionId = (value: Buffer): string => {
  const reader = new ByteReader(value)
  return reader.view(reader.u32()).toString()
}

export const writeSubscription = (writer: ByteWriter, subscription: Subscription): void => {
  writer.put(packr.pack(subscriptionToPlain(subscription)))
}

/** @throws an Error that says what is wrong. */
export const readSubscription = (value: Buffer): Subscription => {
  const unpacked: unknown = packr.unpack(value)
  return isPlainSubscription(unpacked) ? unpacked : plainRecords.subscription.parse(unpacked)
}

/** How many messages refer to a publisher, and the publisher. */
export const writeSource = (writer: ByteWriter, source: RetainedSource, messages: number): void => {
  writer.u32(messages)
  writer.put(packr.pack(sourceToPlain(source)))
}

/** @throws an Error that says what is wrong. */
export const readSource = (value: Buffer): { readonly messages: number; readonly source: RetainedSource } => {
  const reader = new ByteReader(value)
  const messages = reader.u32()
  const plain = plainRecords.source.parse(packr.unpack(value.subarray(reader.position)))
  return { messages, source: sourceFromPlain(plain) }
}

export const writeValue = (value: unknown): Buffer => packr.pack(value)

export const readValue = (value: Buffer): unknown => packr.unpack(value)
