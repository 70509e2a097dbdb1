import { accessSync, constants, mkdirSync } from 'node:fs'
import { type FileHandle, open as openFile } from 'node:fs/promises'
import { join } from 'node:path'
import { open } from 'lmdb'
import { checkPages } from './check-pages.ts'
import type { Database } from './database.ts'
import { type CommitOptions, freeBytesAt, makeSpace, type Writing } from './file-space.ts'
import type { KeySource } from './key-source.ts'
import { ABOUT_KEY } from './layout.ts'
import type { Operations, OperationTarget } from './operations.ts'
import { RowScanner, type RowVisitor } from './row-scanner.ts'

/** What is read from the file. Everything is as of the last commit. */
export interface StoreFile extends KeySource {
  /** Whether it can be read at all now. */
  readonly isReadable: boolean
  /** Entries from a key on, up to another, in their order: at most so many, and not much more than so many bytes. */
  rows(start: Buffer, end: Buffer, limit: number, bytes: number): Row[]
  /**
   * The same entries, each lent to a function: see `RowVisitor`.
   * @returns the key of the last one, if there may be more; undefined at the end of the range.
   */
  scan(start: Buffer, end: Buffer, limit: number, bytes: number, visit: RowVisitor): Buffer | undefined
  /**
   * Gives the memory of scanned pages back, if there are many and no commit runs: pages that were read stay mapped until the file is
   * closed, so it is closed and opened again. Call it between two scans.
   */
  releasePages(): Promise<void> | undefined
}

export interface Row {
  readonly key: Buffer
  readonly value: Buffer
}

/** An open file. All generations of the code hold the same object of a file, since a process must not open it twice. */
export interface OpenFile {
  readonly path: string
  readonly options: OpenOptions
  /** lmdb-js's own object. Another one when the file was closed and opened again; undefined until it is taken over from a predecessor. */
  database: Database | undefined
  /** To read its head, and to make it longer; undefined until it is needed. */
  handle: FileHandle | undefined
  isClosed: boolean
  isReadable: boolean
  /** Bytes of the entries that were scanned since it was opened. */
  scannedBytes: number
  isCommitting: boolean
  /** The first entry, as this process wrote it when it became the owner. */
  owner: Buffer | undefined
  /** Another process took the file while this one reopened it. Nothing is read or written any more. */
  isTaken: boolean
  /** While it is closed and opened again. */
  reopening: Promise<void> | undefined
}

/** How a file is opened. */
export interface OpenOptions {
  readonly mapSize?: number | undefined
  readonly readOnly?: boolean
}

/** The file, opened by LMDB. */
export class Environment implements StoreFile {
  #file: OpenFile
  /** Of the database that was scanned last. Another one reads a file that was opened again. */
  #scanner: RowScanner | undefined

  /** @param database undefined for one that takes a file over later. @param options with which it was opened. */
  constructor(path: string, database?: Database, options: OpenOptions = {}) {
    this.#file = {
      ...{ path, options, database, handle: undefined, isClosed: false, isReadable: true },
      ...{ scannedBytes: 0, isCommitting: false, owner: undefined, isTaken: false, reopening: undefined },
    }
  }

  /** For a successor in the same process. Changes nothing. A commit or a reopening that is under way goes on. */
  handOver(): OpenFile {
    return this.#file
  }

  /** Continues with the open file of a predecessor. */
  takeOver(file: OpenFile): void {
    this.#file = file
  }

  get path(): string {
    return this.#file.path
  }

  /**
   * Opens the file of a directory, and makes both if there are none.
   * @throws an Error that names the directory and the reason.
   */
  static open(path: string, { mapSize, readOnly = false }: OpenOptions = {}): Environment {
    const options = { mapSize, readOnly }
    try {
      if (!readOnly) mkdirSync(path, { recursive: true })
      accessSync(path, readOnly ? constants.R_OK : constants.R_OK | constants.W_OK | constants.X_OK)
      checkPages(join(path, DATA_FILE))
      return new Environment(path, openDatabase(path, options), options)
    } catch (cause) {
      throw new Error(`The store in ${path} cannot be opened: ${(cause as Error).message}`, { cause })
    }
  }

  /** lmdb-js's own object. @throws an Error before the file of a predecessor was taken over. */
  get database(): Database {
    const { database, reopening, isReadable } = this.#file
    if (database === undefined) throw new Error('The store has no open file')
    if (isOpen(database)) return database
    // lmdb-js must not be asked for anything of a database that it is closing: a timer of its own would end the process.
    if (reopening === undefined || !isReadable) throw new Error(`The store in ${this.path} is closed`)
    // A read does not wait for the reopening: lmdb-js then uses what is open, which keeps its pages this time.
    this.#file.database = openDatabase(this.path, this.#file.options)
    return this.#file.database
  }

  get isClosed(): boolean {
    return this.#file.isClosed
  }

  /** Whether it can be used: also while it is closed and opened again. */
  get isOpen(): boolean {
    const { isClosed, database, reopening } = this.#file
    return !isClosed && database !== undefined && (isOpen(database) || reopening !== undefined)
  }

  /** Whether LMDB refuses everything. */
  #isGivenUp(): boolean {
    this.database.resetReadTxn()
    try {
      this.get(ABOUT_KEY)
    } catch {
      return !this.#file.isReadable
    }
    return false
  }

  /** False when LMDB has given the file up, until it is opened again. */
  get isReadable(): boolean {
    return this.#file.isReadable
  }

  get(key: Buffer): Buffer | undefined {
    try {
      return this.database.get(key)
    } catch (error) {
      // After it has given up, LMDB says MDB_PANIC or Invalid argument. Damage of a page is something else.
      if (!damages.has((error as { readonly code?: unknown }).code)) this.#file.isReadable = false
      throw error
    }
  }

  rows(start: Buffer, end: Buffer, limit: number, bytes: number): Row[] {
    const rows: Row[] = []
    let total = 0
    for (const { key, value } of this.database.getRange({ start, end, limit })) {
      rows.push({ key, value })
      total += value.length
      if (total > bytes) break
    }
    return rows
  }

  scan(start: Buffer, end: Buffer, limit: number, bytes: number, visit: RowVisitor): Buffer | undefined {
    if (this.#scanner?.database !== this.database) this.#scanner = new RowScanner(this.database)
    const { last, bytes: scanned } = this.#scanner.scan({ start, end }, limit, bytes, visit)
    this.#file.scannedBytes += scanned
    return last
  }

  releasePages(): Promise<void> | undefined {
    return !this.#file.isCommitting && this.#hasPagesToRelease ? this.#reopen() : undefined
  }

  get #hasPagesToRelease(): boolean {
    const { scannedBytes } = this.#file
    if (scannedBytes < LEAST_RELEASED_BYTES) return false
    const { lastPageNumber, pageSize } = this.statistics
    return scannedBytes >= (lastPageNumber * pageSize) / MOST_RELEASES
  }

  keys(start: Buffer, end: Buffer, limit: number): Buffer[] {
    return [...this.database.getKeys({ start, end, limit })]
  }

  /**
   * Commits the first operations, `fdatasync` included, in one transaction. When LMDB could not write a meta page, it refuses
   * everything that follows, and lmdb-js never settles the next commit: the file is then closed and opened again.
   * @throws the error of the file system. Nothing is written then, or all of it.
   */
  async commit(operations: Operations, options: CommitOptions = {}): Promise<void> {
    const { count = operations.count, keepFree = 0, isUrgent = false } = options
    const file = this.#file
    if (!file.isReadable || file.reopening !== undefined || this.#hasPagesToRelease) await this.#reopen()
    file.isCommitting = true
    try {
      await this.makeSpace({ count, bytes: isUrgent ? 0 : operations.putBytes, keepFree, isUrgent })
      const { database } = this
      // The batch has the result; each put has a promise too, which is the same one or is resolved already.
      await database.batch(() => operations.apply(database as OperationTarget, count))
      database.resetReadTxn()
    } catch (error) {
      const cause = await commitErrorOf(error)
      if (!file.isClosed && this.#isGivenUp()) await this.#reopen()
      throw cause
    } finally {
      file.isCommitting = false
    }
  }

  /** Makes the file long enough for what is written next. @throws an Error that names the file and the reason. */
  async makeSpace(writing: Writing): Promise<void> {
    const path = join(this.path, DATA_FILE)
    try {
      this.#file.handle ??= await openFile(path, 'a+')
      await makeSpace(this.#file.handle, () => this.freeBytes(), writing)
    } catch (cause) {
      throw new Error(`${path} cannot grow: ${(cause as Error).message}`, { cause })
    }
  }

  async #closeHandle(): Promise<void> {
    const { handle } = this.#file
    this.#file.handle = undefined
    await handle?.close()
  }

  /**
   * Closes the file and opens it again. No commit may be running.
   * @throws when the file cannot be opened. Then nothing can be read until a later call succeeds.
   */
  #reopen(): Promise<void> {
    const file = this.#file
    file.reopening ??= this.#closeAndOpen().finally(() => {
      file.reopening = undefined
    })
    return file.reopening
  }

  async #closeAndOpen(): Promise<void> {
    const file = this.#file
    const { path, database: former } = file
    if (file.isTaken) throw takenError(path)
    file.scannedBytes = 0
    try {
      if (!isClosed(former!)) await former!.close()
      await this.#closeHandle()
      const database = file.database === former ? openDatabase(path, file.options) : file.database!
      file.database = database
      // From the first read on, other processes see this one. Before it, another one may have begun to use the file.
      const owner = database.get(ABOUT_KEY)
      if (file.owner !== undefined && owner?.equals(file.owner) !== true) {
        file.isTaken = true
        file.isReadable = false
        await database.close()
        throw takenError(path)
      }
    } catch (error) {
      file.isReadable = false
      throw error
    }
    file.isReadable = true
  }

  /** Runs a function in a transaction, which is durable when this returns. */
  transaction<T>(action: () => T): T {
    return this.database.transactionSync(action)
  }

  put(key: Buffer, value: Buffer): void {
    this.database.putSync(key, value)
  }

  /** Writes the first entry, which says that this process has the file. */
  putOwner(value: Buffer): void {
    this.put(ABOUT_KEY, value)
    this.#file.owner = value
  }

  /** Removes entries in one transaction. */
  removeAll(keys: readonly Buffer[]): void {
    this.transaction(() => {
      for (const key of keys) this.database.removeSync(key)
    })
  }

  /** Pids of processes that have the file open, as the kernel's locks know them. */
  readers(): number[] {
    this.database.readerCheck()
    const lines = this.database.readerList().split('\n')
    return lines.map((line) => Number.parseInt(line, 10)).filter((pid) => Number.isInteger(pid))
  }

  freeBytes(): Promise<number | undefined> {
    return freeBytesAt(this.path)
  }

  get statistics(): EnvironmentStatistics {
    return this.database.getStats() as EnvironmentStatistics
  }

  /** Writes a compact copy into another directory, while the store goes on. */
  async backup(directory: string): Promise<void> {
    mkdirSync(directory, { recursive: true })
    await this.database.backup(directory, true)
  }

  async close(): Promise<void> {
    if (this.#file.isClosed) return
    this.#file.isClosed = true
    await this.#file.reopening?.catch(() => undefined)
    const { database } = this.#file
    if (database !== undefined && !isClosed(database)) await database.close()
    await this.#closeHandle()
  }
}

/** What LMDB says of a file. */
export interface EnvironmentStatistics {
  readonly pageSize: number
  readonly entryCount: number
  readonly treeDepth: number
  readonly treeBranchPageCount: number
  readonly treeLeafPageCount: number
  readonly overflowPages: number
  readonly lastPageNumber: number
  readonly mapSize: number
}

/** The file in the directory of a store. */
export const DATA_FILE = 'data.mdb'

/** docs/adr/0013 says what each of them is for. */
const optionsOf = (path: string, { mapSize, readOnly = false }: OpenOptions) => ({
  path,
  // Otherwise a path with a dot in it would be the name of the file.
  noSubdir: false,
  encoding: 'binary' as const,
  keyEncoding: 'binary' as const,
  maxDbs: 1,
  compression: false,
  overlappingSync: false,
  eventTurnBatching: false,
  noMemInit: true,
  readOnly,
  ...(mapSize === undefined ? {} : { mapSize }),
})

/** An error of LMDB or of the file system, which names no file, with the directory of the store. Other errors stay as they are. */
export const namingStore = (error: unknown, path: string): unknown => {
  const { code, message } = error as { readonly code?: unknown; readonly message?: string }
  if (typeof code !== 'number') return error
  const what = damages.has(code) ? 'is damaged' : 'cannot be read or written'
  return new Error(`The store in ${path} ${what}: ${message}`, { cause: error })
}

/** MDB_PAGE_NOTFOUND and MDB_CORRUPTED. */
const damages: ReadonlySet<unknown> = new Set([-30_797, -30_796])

/** The types of lmdb-js leave this out. */
const openDatabase = (path: string, options: OpenOptions): Database =>
  open<Buffer, Buffer>(optionsOf(path, options)) as Database

const isOpen = (database: Database): boolean => statusOf(database) !== 'closing' && !isClosed(database)

const isClosed = (database: Database): boolean => statusOf(database) === 'closed'

const takenError = (path: string): Error =>
  new Error(
    `Another process took ${path} while this process was reopening it. Stop one of the two, and start this one again`,
  )

/** 'open', 'closing' or 'closed'. */
const statusOf = (database: object): unknown => 'status' in database && database.status

/** Bytes of entries that are scanned, at least, before their pages are released. The system maps more pages than are read. */
const LEAST_RELEASED_BYTES = 8 * 1024 ** 2
/** How often the pages are released in a scan of the whole file, at most: lmdb-js keeps about 80 kB each time. */
const MOST_RELEASES = 128

/** The promise of a failed commit rejects with one error that refers to another, by a promise that rejects too. */
const commitErrorOf = async (error: unknown): Promise<Error> => {
  const { commitError } = error as { readonly commitError?: Promise<unknown> }
  try {
    await commitError
  } catch (cause) {
    if (cause instanceof Error) return cause
  }
  return error instanceof Error ? error : new Error(String(error))
}
