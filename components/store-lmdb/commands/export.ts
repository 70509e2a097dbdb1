import {
  messageToPlain,
  type PlainMessageRecord,
  type PlainSourceRecord,
  sessionToPlain,
  sourceToPlain,
} from '../../../src/kinds/plain-records.ts'
import type { Message } from '../../../src/mqtt/message.ts'
import { ByteReader } from '../byte-writer.ts'
import type { Environment } from '../environment.ts'
import {
  type Receiver,
  readMessage,
  readMessageKey,
  readReceivers,
  readSourceNumber,
  readState,
  tables,
} from '../layout.ts'
import { readAbout } from '../own.ts'
import { readRow } from '../restore.ts'
import { readSentRow, type SentEntry } from '../sent-rows.ts'
import { readSession, readSource, readSubscription } from '../values.ts'
import { type Progress, rowsOf } from './rows.ts'

/** Counted up when the lines change. */
export const EXPORT_VERSION = 1
export const EXPORT_NAME = 'mqtt-jig store'

/** The content of a file as lines of JSON. Bytes are base64. A session comes before everything that belongs to it. */
export async function* exportLines(environment: Environment, progress: Progress): AsyncGenerator<string, void> {
  const about = readAbout(environment)
  yield line({ export: EXPORT_NAME, version: EXPORT_VERSION, writtenBy: about?.version ?? 'unknown' })
  const ids = new Map<number, string>()
  const order = [
    tables.sessions,
    tables.subscriptions,
    tables.received,
    tables.sent,
    tables.sources,
    tables.retained,
    tables.messages,
  ]
  const sent = new SentNumbers()
  const seen: Seen = { ids, sources: new Map(), sent, messages: new MessageLines(ids, sent) }
  for await (const row of rowsOf(environment, order, progress)) {
    for (const each of readRow(row, (value, key) => linesOf(key, value, seen))) yield line(each)
  }
  for (const each of seen.messages.end()) yield line(each)
}

/** What later entries refer to. */
interface Seen {
  readonly ids: Map<number, string>
  readonly sources: Map<number, PlainSourceRecord>
  readonly sent: SentNumbers
  readonly messages: MessageLines
}

/** What was sent of messages since they were written, by session and sequence number. */
class SentNumbers {
  readonly #sessions = new Map<number, Map<number, SentEntry>>()

  take(entry: SentEntry): void {
    const known = this.#sessions.get(entry.session)
    if (known === undefined) this.#sessions.set(entry.session, new Map([[entry.sequence, entry]]))
    else known.set(entry.sequence, entry)
  }

  /** The receiver with the numbers that it has now. */
  applyTo(receiver: Receiver): Receiver {
    const entry = this.#sessions.get(receiver.session)?.get(receiver.sequence)
    return entry === undefined ? receiver : { ...receiver, ...entry }
  }
}

const retainedLine = (value: Buffer, sources: Seen['sources']): object => {
  const message = plainMessage(readMessage(new ByteReader(value)))
  const number = readSourceNumber(new ByteReader(value))
  if (number === 0) return { type: 'retained', message }
  const source = sources.get(number)
  if (source === undefined) throw new Error(`its publisher ${number} is not there`)
  return { type: 'retained', message, source }
}

const linesOf = (key: Buffer, value: Buffer, { ids, sources, sent, messages }: Seen): object[] => {
  const session = () => ids.get(key.readUInt32BE(1))
  switch (key[0]) {
    case tables.sessions: {
      const record = readSession(value)
      ids.set(key.readUInt32BE(1), record.id)
      let will: object | null = null
      const plain = sessionToPlain(record, (message) => {
        will = plainMessage(message)
        return 0
      })
      return [{ type: 'session', session: plain, will }]
    }
    case tables.subscriptions:
      return session() === undefined
        ? []
        : [{ type: 'subscribed', session: session(), subscription: readSubscription(value) }]
    case tables.received:
      return session() === undefined
        ? []
        : [{ type: 'received', session: session(), packetIdentifier: key.readUInt16BE(5) }]
    case tables.sent:
      for (const entry of readSentRow(key, value)) sent.take(entry)
      return []
    case tables.retained:
      return [retainedLine(value, sources)]
    case tables.sources:
      sources.set(key.readUInt32BE(1), sourceToPlain(readSource(value).source))
      return []
    default:
      return messages.take(key, value)
  }
}

/** Gathers the rows of a message. */
class MessageLines {
  readonly #ids: ReadonlyMap<number, string>
  readonly #sent: SentNumbers
  #message: Message | undefined
  readonly #receivers: (Receiver | undefined)[] = []

  constructor(ids: ReadonlyMap<number, string>, sent: SentNumbers) {
    this.#ids = ids
    this.#sent = sent
  }

  /** @returns the line of the message before, when another begins. */
  take(key: Buffer, value: Buffer): object[] {
    const { chunk, index } = readMessageKey(key)
    if (chunk === 0) {
      const before = this.end()
      const reader = new ByteReader(value)
      this.#receivers.push(...readReceivers(reader))
      this.#message = readMessage(reader)
      return before
    }
    if (chunk > 0) {
      this.#receivers.push(...readReceivers(new ByteReader(value)))
      return []
    }
    const { isDone, ...sent } = readState(value)
    const receiver = this.#receivers[index]
    this.#receivers[index] = isDone || receiver === undefined ? undefined : { ...receiver, ...sent }
    return []
  }

  end(): object[] {
    const message = this.#message
    const receivers = this.#receivers.flatMap((receiver) => {
      const session = receiver === undefined ? undefined : this.#ids.get(receiver.session)
      if (receiver === undefined || session === undefined) return []
      return [{ ...this.#sent.applyTo(receiver), session, shared: receiver.shared ?? null }]
    })
    this.#receivers.length = 0
    this.#message = undefined
    return message === undefined || receivers.length === 0
      ? []
      : [{ type: 'queued', message: plainMessage(message), receivers }]
  }
}

const plainMessage = (message: Message): Record<keyof PlainMessageRecord, unknown> => {
  const { topic, properties, payload, ...rest } = messageToPlain(message)
  return { topic: base64(topic), properties: base64(properties), payload: base64(payload), ...rest }
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

const line = (value: object): string => `${JSON.stringify(value)}\n`
