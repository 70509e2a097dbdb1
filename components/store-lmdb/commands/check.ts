import { ByteReader } from '../byte-writer.ts'
import type { Environment } from '../environment.ts'
import {
  type Receiver,
  type ReceiverState,
  readMessage,
  readMessageKey,
  readReceivers,
  readSourceNumber,
  readState,
  tables,
} from '../layout.ts'
import { readAbout } from '../own.ts'
import { readRow } from '../restore.ts'
import { readSentRow } from '../sent-rows.ts'
import { readSession, readSource, readSubscription } from '../values.ts'
import { type Progress, rowsOf } from './rows.ts'

/** What is wrong with a file. */
export interface CheckResult {
  readonly entries: number
  /** One line each. */
  readonly problems: readonly string[]
  /** Keys of entries that cannot be read, and of entries that belong to them. */
  readonly unreadable: readonly Buffer[]
}

/** Reads every entry of a file, and compares them. */
export const checkStore = async (environment: Environment, progress: Progress): Promise<CheckResult> => {
  readAbout(environment)
  const check = new StoreCheck()
  for await (const row of rowsOf(environment, ORDER, progress)) {
    check.entries += 1
    try {
      readRow(row, (value, key) => check.take(key, value))
    } catch (error) {
      check.problems.push((error as Error).message)
      check.unreadable.push(row.key)
    }
  }
  check.endMessage()
  return check
}

/** Sessions first: the others refer to them. */
const ORDER = [
  tables.sessions,
  tables.subscriptions,
  tables.received,
  tables.sent,
  tables.messages,
  tables.sources,
  tables.retained,
]

/** What is known of a session while the messages are read. */
interface SeenSession {
  readonly id: string
  readonly sequences: Set<number>
  readonly packetIdentifiers: Set<number>
  /** By sequence number, the Packet Identifier of a message that was sent since it was written. */
  readonly sent: Map<number, number>
}

class StoreCheck implements CheckResult {
  entries = 0
  readonly problems: string[] = []
  readonly unreadable: Buffer[] = []
  readonly #sessions = new Map<number, SeenSession>()
  readonly #ids = new Set<string>()
  /** The publishers of retained messages, with how many messages they count and how many refer to them. */
  readonly #sources = new Map<number, { readonly allowed: number; found: number }>()
  /** The message that is read now. */
  #message = -1
  #receivers: Receiver[] = []
  readonly #states = new Map<number, ReceiverState>()

  take(key: Buffer, value: Buffer): void {
    switch (key[0]) {
      case tables.sessions: {
        const { id } = readSession(value)
        if (this.#ids.has(id)) this.problems.push(`the session ${id} is there twice`)
        this.#ids.add(id)
        const seen = { id, sequences: new Set<number>(), packetIdentifiers: new Set<number>(), sent: new Map() }
        this.#sessions.set(key.readUInt32BE(1), seen)
        break
      }
      case tables.subscriptions:
        readSubscription(value)
        break
      case tables.received:
        key.readUInt16BE(5)
        break
      case tables.sent:
        for (const { session, sequence, packetIdentifier } of readSentRow(key, value))
          this.#sessions.get(session)?.sent.set(sequence, packetIdentifier)
        break
      case tables.messages:
        this.#takeMessage(key, value)
        break
      case tables.sources:
        this.#sources.set(key.readUInt32BE(1), { allowed: readSource(value).messages, found: 0 })
        break
      default:
        readMessage(new ByteReader(value))
        this.#refer(readSourceNumber(new ByteReader(value)))
    }
  }

  /** Looks at the receivers of the message that was read last. */
  endMessage(): void {
    for (const [index, receiver] of this.#receivers.entries()) {
      const state = this.#states.get(index)
      const session = this.#sessions.get(receiver.session)
      // What an ended session leaves over is removed at the next start.
      if (session === undefined || state?.isDone === true) continue
      this.#once(session, session.sequences, receiver.sequence, 'the number')
      const packetIdentifier = session.sent.get(receiver.sequence) ?? (state ?? receiver).packetIdentifier
      if (packetIdentifier !== 0)
        this.#once(session, session.packetIdentifiers, packetIdentifier, 'the Packet Identifier')
    }
    for (const index of this.#states.keys()) {
      if (index >= this.#receivers.length)
        this.problems.push(`message ${this.#message} has a state of no receiver, ${index}`)
    }
    this.#receivers = []
    this.#states.clear()
  }

  #takeMessage(key: Buffer, value: Buffer): void {
    const { id, chunk, index } = readMessageKey(key)
    if (chunk === 0) {
      this.endMessage()
      // What belongs to a message that cannot be read belongs to none.
      this.#message = -1
      const reader = new ByteReader(value)
      const receivers = readReceivers(reader)
      readMessage(reader)
      this.#message = id
      this.#receivers = receivers
      return
    }
    if (id !== this.#message) throw new Error('the message that it belongs to is not there')
    if (chunk > 0) this.#receivers.push(...readReceivers(new ByteReader(value)))
    else this.#states.set(index, readState(value))
  }

  /** A retained message refers to a publisher. One that counts too few messages would leave the file before the last of them. */
  #refer(number: number): void {
    if (number === 0) return
    const source = this.#sources.get(number)
    if (source === undefined) throw new Error(`its publisher ${number} is not there`)
    source.found += 1
    if (source.found === source.allowed + 1) {
      this.problems.push(`the publisher ${number} counts ${source.allowed} messages, and more refer to it`)
    }
  }

  #once(session: SeenSession, known: Set<number>, number: number, what: string): void {
    if (known.has(number)) this.problems.push(`the session ${session.id} has two messages with ${what} ${number}`)
    known.add(number)
  }
}
