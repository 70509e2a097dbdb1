import { ByteWriter } from './byte-writer.ts'

/** Writes one batch into the file: puts and removals in their order, with keys and values in one piece of memory. */
export class Operations {
  readonly writer = new ByteWriter(INITIAL_BYTES)
  /** For each: where its key begins, where its value begins, and where it ends; -1 for a removal. */
  #table: number[] = []
  #keyStart = 0
  #valueStart = 0
  #early = 0
  #putBytes = 0

  /** How many there are. */
  get count(): number {
    return this.#table.length / FIELDS
  }

  /** How many of the first ones may be committed alone, when the file system is full: removals that free pages. */
  get earlyCount(): number {
    return this.#early
  }

  /** Bytes of the entries that are put, with their heads. */
  get putBytes(): number {
    return this.#putBytes
  }

  /** Everything so far may be committed alone. */
  endEarly(): void {
    this.#early = this.count
  }

  beginKey(): void {
    this.#keyStart = this.writer.position
  }

  beginValue(): void {
    this.#valueStart = this.writer.position
  }

  endPut(): void {
    const { position } = this.writer
    this.#table.push(this.#keyStart, this.#valueStart, position)
    this.#putBytes += position - this.#keyStart + HEAD_BYTES
  }

  endRemoval(): void {
    this.#table.push(this.#keyStart, this.writer.position, -1)
  }

  /** Removes an entry whose key is known already. */
  remove(key: Uint8Array): void {
    this.beginKey()
    this.writer.put(key)
    this.endRemoval()
  }

  /** Forgets them all. The memory is kept, if it is not large. */
  clear(): void {
    this.#table = []
    this.#early = 0
    this.#putBytes = 0
    this.writer.reset(this.writer.bytes.length > KEPT_BYTES ? INITIAL_BYTES : undefined)
  }

  /** Applies the first ones. @param count how many. */
  apply(target: OperationTarget, count: number): void {
    const { bytes } = this.writer
    const keys: Buffer[] = []
    // The native code reads the value from this address and keeps the memory alive; no Buffer is made for a value.
    const values: RangedBuffer = bytes
    for (let at = 0; at < count * FIELDS; at += FIELDS) {
      const keyStart = this.#table[at]!
      const keyEnd = this.#table[at + 1]!
      const end = this.#table[at + 2]!
      const length = keyEnd - keyStart
      keys[length] ??= Buffer.allocUnsafeSlow(length)
      const key = keys[length]
      bytes.copy(key, 0, keyStart, keyEnd)
      if (end === -1) target.remove(key)
      else {
        values.start = keyEnd
        values.end = end
        target.put(key, values)
      }
    }
  }
}

/** A Buffer of which the native code writes a part. */
export interface RangedBuffer extends Buffer {
  start?: number
  end?: number
}

/** What operations are applied to. Keys are copied in the call; values must not change until the commit is done. */
export interface OperationTarget {
  put(key: Buffer, value: RangedBuffer): unknown
  remove(key: Buffer): unknown
}

const FIELDS = 3
/** Of the head of an entry in a page, with its place there. */
const HEAD_BYTES = 16
const INITIAL_BYTES = 64 * 1024
const KEPT_BYTES = 4 * 1024 * 1024
