import { setImmediate as nextTurn } from 'node:timers/promises'
import type { SessionEntry } from './batch.ts'
import { ByteReader } from './byte-writer.ts'
import {
  messageKey,
  ReceiverColumns,
  type ReceiverState,
  readMessageKey,
  readMessageSize,
  readState,
} from './layout.ts'
import { MessageTable } from './message-table.ts'
import type { NumberedSessions } from './numbered-sessions.ts'
import { PlaceColumns } from './place-columns.ts'
import { receiverPlace } from './queue-index.ts'
import { unreadable } from './unreadable.ts'

/**
 * Puts the messages of a file into the queues of the sessions. Their rows come in the order of the keys, which goes from one session to
 * another with each message. The places are therefore collected and put into the queues session by session: each queue then takes
 * memory once, and is in the cache of the processor.
 */
export class MessageLoader {
  readonly table = new MessageTable()
  readonly unowed: number[] = []
  highestId = 0
  highestSession = 0
  readonly #sessions: NumberedSessions
  readonly #places = new PlaceColumns()
  #slot = -1
  /** Of the message that is read now. */
  readonly #receivers = new ReceiverColumns()
  readonly #reader = new ByteReader(Buffer.alloc(0))
  readonly #states = new Map<number, ReceiverState>()
  readonly #mostPlaces: number

  /** @param mostPlaces that are collected, about. */
  constructor(sessions: NumberedSessions, mostPlaces = MOST_PLACES) {
    this.#sessions = sessions
    this.#mostPlaces = mostPlaces
  }

  /** Takes an entry of the file. Call `flush` when it `isFull`. */
  take(key: Buffer, value: Buffer): void {
    const { id, chunk, index } = readMessageKey(key)
    const reader = this.#reader
    reader.restart(value)
    if (chunk === 0) {
      this.#endMessage()
      this.#receivers.read(reader)
      this.#slot = this.table.take(id, readMessageSize(reader))
      this.highestId = id
      return
    }
    if (id !== this.highestId || this.#slot === -1) throw new Error('the message that it belongs to is not there')
    if (chunk > 0) this.#receivers.read(reader)
    else this.#states.set(index, readState(value))
  }

  get isFull(): boolean {
    return this.#places.count >= this.#mostPlaces
  }

  /** Puts the places into the queues, some in each turn of the event loop. @throws an Error that names the entry and the reason. */
  async flush(): Promise<void> {
    const { entries } = this.#sessions
    const places = this.#places
    const ends = places.sort(entries.length)
    /** Lent to each queue. */
    const numbers: number[] = []
    let turnEnd = PLACES_IN_A_TURN
    for (let session = 0, start = 0; session < entries.length; session += 1) {
      const end = ends[session]!
      if (end > start) this.#fill(entries[session]!, start, end, numbers)
      start = end
      if (start < turnEnd) continue
      turnEnd = start + PLACES_IN_A_TURN
      await nextTurn()
    }
    places.clear()
  }

  /** There are no more entries: ends the last message, and does what `flush` does. */
  end(): Promise<void> {
    this.#endMessage()
    return this.flush()
  }

  /** The message that was read last has no more entries. */
  #endMessage(): void {
    if (this.#slot === -1) return
    const slot = this.#slot
    const receivers = this.#receivers
    for (let index = 0; index < receivers.count; index += 1) this.#add(slot, index)
    this.table.setReceivers(slot, receivers.count)
    if (this.#states.size > 0) this.table.addState(slot)
    if (this.table.liveOf(slot) === 0) this.unowed.push(slot)
    receivers.clear()
    if (this.#states.size > 0) this.#states.clear()
    this.#slot = -1
  }

  #add(slot: number, index: number): void {
    const { sessions, sequences, areShared, packetIdentifiers, pubrecOrders } = this.#receivers
    const number = sessions[index]!
    if (number > this.highestSession) this.highestSession = number
    const state = this.#states.size === 0 ? undefined : this.#states.get(index)
    const session = this.#sessions.find(number)
    if (session === -1 || state?.isDone === true) return
    const sequence = sequences[index]!
    this.table.owe(slot)
    this.#places.add(session, sequence, slot, receiverPlace(index, areShared[index]!))
    const packetIdentifier = state?.packetIdentifier ?? packetIdentifiers[index]!
    const pubrecOrder = state?.pubrecOrder ?? pubrecOrders[index]!
    if (packetIdentifier === 0 && pubrecOrder === 0) return
    const { queue } = this.#sessions.entries[session]!
    queue.setSent(sequence, { packetIdentifier, pubrecOrder, isInRow: false })
  }

  /** Adds places to a queue, nearly always behind those that it has and in the order of their sequence numbers. */
  #fill(session: SessionEntry, start: number, end: number, numbers: number[]): void {
    const { queue } = session
    const { order, sequences, slots, receivers } = this.#places
    let last = queue.lastSequence
    let length = 0
    let at = start
    for (; at < end; at += 1) {
      const place = order[at]!
      const sequence = sequences[place]!
      if (sequence <= last) break
      numbers[length] = sequence
      numbers[length + 1] = slots[place]!
      numbers[length + 2] = receivers[place]!
      length += 3
      last = sequence
    }
    queue.append(numbers, length)
    // Each `append` copies the queue: from the first one on that is not in order, they are added one by one.
    for (; at < end; at += 1) {
      const place = order[at]!
      this.#insert(session, sequences[place]!, slots[place]!, receivers[place]!)
    }
  }

  #insert({ id, queue }: SessionEntry, sequence: number, slot: number, receiver: number): void {
    if (queue.find(sequence) !== -1) {
      const cause = new Error(`${id} has two messages with the number ${sequence}`)
      throw unreadable(messageKey(this.table.idOf(slot), 0), cause)
    }
    queue.add(sequence, slot, receiver >>> 1, (receiver & 1) === 1)
  }
}

/** How many places are collected, about. They take 20 bytes each, and columns double: up to 40 MB. */
const MOST_PLACES = 1024 ** 2
/** Places that get into queues in a turn of the event loop. */
const PLACES_IN_A_TURN = 32_768
