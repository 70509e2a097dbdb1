import type { Database, KeyRange } from './database.ts'

/** Takes an entry. Both are lent for the call: their memory then has the next entry. The store must not be read in the call. */
export type RowVisitor = (key: Buffer, value: Buffer) => void

/**
 * Reads entries of a database without memory for each of them. lmdb-js copies each key and each value into a Buffer of its own,
 * which is most of the time of a start. Here both are read where LMDB's native code puts them.
 */
export class RowScanner {
  readonly database: Database
  /** The database, with other functions to take a key and a value. */
  readonly #view: Database
  readonly #keys = new LentViews()
  readonly #values = new LentViews()

  constructor(database: Database) {
    this.database = database
    const keys = this.#keys
    const values = this.#values
    const lending: LendingReads = {
      readKey: (memory, start, end) => keys.view(memory, start, end - start),
      decoder: { decode: (memory, length) => values.view(memory, 0, length) },
      decoderCopies: true,
    }
    this.#view = Object.assign(Object.create(database) as Database, lending)
  }

  /**
   * @param limit of entries, after which the scan ends. @param bytes of values, likewise.
   * @returns the key of the last entry, if there may be more in the range, and undefined at its end; and the bytes of the keys and
   * values.
   */
  scan(range: KeyRange, limit: number, bytes: number, visit: RowVisitor): { last: Buffer | undefined; bytes: number } {
    let count = 0
    let ofKeys = 0
    let ofValues = 0
    for (const { key, value } of this.#view.getRange(range)) {
      visit(key, value)
      count += 1
      ofKeys += key.length
      ofValues += value.length
      // The next step would overwrite the key.
      if (count === limit || ofValues > bytes) return { last: Buffer.from(key), bytes: ofKeys + ofValues }
    }
    return { last: undefined, bytes: ofKeys + ofValues }
  }
}

/** What lmdb-js asks its own object for while it reads a range, as with the options `keyEncoder` and `encoder`. */
interface LendingReads {
  readonly readKey: (memory: Buffer, start: number, end: number) => Buffer
  readonly decoder: { decode(memory: Buffer, length: number): Buffer }
  /** The decoder gets the memory itself. */
  readonly decoderCopies: true
}

/** Buffers over memory that is used again, one for each length. */
class LentViews {
  #memory: Buffer | undefined
  #start = 0
  #views: (Buffer | undefined)[] = []

  view(memory: Buffer, start: number, length: number): Buffer {
    const offset = memory.byteOffset + start
    if (length > MAXIMUM_KEPT_BYTES) return Buffer.from(memory.buffer, offset, length)
    if (memory !== this.#memory || start !== this.#start) {
      this.#memory = memory
      this.#start = start
      this.#views = new Array<Buffer | undefined>(MAXIMUM_KEPT_BYTES + 1).fill(undefined)
    }
    let view = this.#views[length]
    if (view === undefined) {
      view = Buffer.from(memory.buffer, offset, length)
      this.#views[length] = view
    }
    return view
  }
}

/** Views of longer entries are not kept. A key is shorter. */
const MAXIMUM_KEPT_BYTES = 4_096
