import type { RetainedSource } from '../../src/kinds/store.ts'
import { ByteReader } from './byte-writer.ts'
import type { KeySource } from './key-source.ts'
import { readSourceNumber, tables, writeNumberKey } from './layout.ts'
import type { Operations } from './operations.ts'
import { readSource, writeSource } from './values.ts'

/** A publisher in the file. */
interface SourceEntry {
  readonly number: number
  readonly source: RetainedSource
  /** Retained messages in the file that refer to it. */
  messages: number
}

/**
 * The publishers of retained messages. Each is in the file once, under a number that its messages refer to, with the number of these
 * messages. It leaves the file with the last of them, in the same batch.
 */
export class SourceTable {
  #byNumber = new Map<number, SourceEntry>()
  /** The broker gives the same object with all messages of a publisher, also the object that it was given at the start. */
  #bySource = new Map<RetainedSource, SourceEntry>()
  #changed = new Set<SourceEntry>()
  #next = 1

  /** For a successor of another generation of the code. Changes nothing. */
  handOver(): SourceTableState {
    return { byNumber: this.#byNumber, bySource: this.#bySource, changed: this.#changed, next: this.#next }
  }

  /** Continues at a reset. The one that gave this must not be used meanwhile. */
  takeOver({ byNumber, bySource, changed, next }: SourceTableState): void {
    this.#byNumber = byNumber
    this.#bySource = bySource
    this.#changed = changed
    this.#next = next
  }

  get count(): number {
    return this.#byNumber.size
  }

  /** Takes an entry of the file. @throws an Error that says what is wrong. */
  load(key: Buffer, value: Buffer): void {
    const { messages, source } = readSource(value)
    this.#add({ number: key.readUInt32BE(1), source, messages })
  }

  /** The publisher with a number. @throws an Error if there is none. */
  sourceOf(number: number): RetainedSource {
    const entry = this.#byNumber.get(number)
    if (entry === undefined) throw new Error(`its publisher ${number} is not there`)
    return entry.source
  }

  /**
   * A retained message takes the place of the one in the file, or removes it.
   * @param key of the retained message.
   * @returns the number of its publisher, 0 without one.
   */
  replace(file: Pick<KeySource, 'get'>, key: Buffer, source: RetainedSource | undefined): number {
    const before = this.count === 0 ? 0 : storedNumber(file, key)
    const entry = source === undefined ? undefined : (this.#bySource.get(source) ?? this.#begin(source))
    const number = entry?.number ?? 0
    if (number === before) return number
    this.#count(entry, 1)
    this.#count(this.#byNumber.get(before), -1)
    return number
  }

  /** Writes what has changed since the last call. */
  write(to: Operations): void {
    for (const entry of this.#changed) {
      to.beginKey()
      writeNumberKey(to.writer, tables.sources, entry.number)
      if (entry.messages > 0) {
        to.beginValue()
        writeSource(to.writer, entry.source, entry.messages)
        to.endPut()
        continue
      }
      to.endRemoval()
      this.#byNumber.delete(entry.number)
      this.#bySource.delete(entry.source)
    }
    this.#changed.clear()
  }

  #begin(source: RetainedSource): SourceEntry {
    return this.#add({ number: this.#next, source, messages: 0 })
  }

  #add(entry: SourceEntry): SourceEntry {
    this.#byNumber.set(entry.number, entry)
    this.#bySource.set(entry.source, entry)
    this.#next = Math.max(this.#next, entry.number + 1)
    return entry
  }

  #count(entry: SourceEntry | undefined, growth: number): void {
    if (entry === undefined) return
    entry.messages += growth
    this.#changed.add(entry)
  }
}

/** What goes to the successor at a reset. */
export interface SourceTableState {
  readonly byNumber: Map<number, SourceEntry>
  readonly bySource: Map<RetainedSource, SourceEntry>
  readonly changed: Set<SourceEntry>
  readonly next: number
}

/** A message that cannot be read counts as one without a publisher: then the publisher stays in the file. */
const storedNumber = (file: Pick<KeySource, 'get'>, key: Buffer): number => {
  try {
    const value = file.get(key)
    return value === undefined ? 0 : readSourceNumber(new ByteReader(value))
  } catch {
    return 0
  }
}
