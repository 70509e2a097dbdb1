import { ByteReader, type ByteWriter } from './byte-writer.ts'
import type { SentMessage } from './queue-index.ts'

/** Messages in one row. */
export const ROW_MESSAGES = 32

/**
 * What the file has of the messages of one session that were sent and not acknowledged: rows of 32 sequence numbers, so that a
 * batch writes one entry for many messages of a busy session. A message whose numbers were written with it has no entry here.
 */
export class SentRows {
  #sent = new Map<number, SentMessage>()
  /** By row: how many messages it has. */
  #counts = new Map<number, number>()

  /** For a successor of another generation of the code. Changes nothing. */
  handOver(): SentRowsState {
    return { sent: this.#sent, counts: this.#counts }
  }

  /** Continues at a reset. The one that gave this must not be used meanwhile. */
  takeOver({ sent, counts }: SentRowsState): void {
    this.#sent = sent
    this.#counts = counts
  }

  /** There is no row. */
  get isEmpty(): boolean {
    return this.#counts.size === 0
  }

  has(row: number): boolean {
    return this.#counts.has(row)
  }

  /**
   * @param changes by sequence number; undefined is done.
   * @returns the rows that have changed.
   */
  change(changes: Iterable<readonly [sequence: number, sent: SentMessage | undefined]>): Set<number> {
    const rows = new Set<number>()
    for (const [sequence, sent] of changes) {
      const row = Math.floor(sequence / ROW_MESSAGES)
      rows.add(row)
      if (sent === undefined) {
        if (this.#sent.delete(sequence)) this.#count(row, -1)
        continue
      }
      if (!this.#sent.has(sequence)) this.#count(row, 1)
      this.#sent.set(sequence, sent)
    }
    return rows
  }

  /** Writes the value of a row. */
  write(row: number, writer: ByteWriter): void {
    writer.u8(this.#counts.get(row)!)
    const first = row * ROW_MESSAGES
    for (let at = 0; at < ROW_MESSAGES; at += 1) {
      const sent = this.#sent.get(first + at)
      if (sent === undefined) continue
      writer.u8(at)
      writer.u16(sent.packetIdentifier)
      writer.u48(sent.pubrecOrder)
    }
  }

  #count(row: number, change: number): void {
    const count = (this.#counts.get(row) ?? 0) + change
    if (count > 0) this.#counts.set(row, count)
    else this.#counts.delete(row)
  }
}

/** What goes to the successor at a reset. */
export interface SentRowsState {
  readonly sent: Map<number, SentMessage>
  readonly counts: Map<number, number>
}

/** What was sent of one message, in a row of its session. */
export interface SentEntry {
  readonly session: number
  readonly sequence: number
  readonly packetIdentifier: number
  readonly pubrecOrder: number
}

/** @throws RangeError when the bytes are no row. */
export const readSentRow = (key: Buffer, value: Buffer): SentEntry[] => {
  const session = key.readUInt32BE(1)
  const first = key.readUIntBE(5, 6) * ROW_MESSAGES
  const reader = new ByteReader(value)
  const count = reader.u8()
  const entries: SentEntry[] = []
  for (let index = 0; index < count; index += 1) {
    const at = reader.u8()
    if (at >= ROW_MESSAGES) throw new RangeError(`a row has no message ${at}`)
    const sequence = first + at
    entries.push({ session, sequence, packetIdentifier: reader.u16(), pubrecOrder: reader.u48() })
  }
  return entries
}
