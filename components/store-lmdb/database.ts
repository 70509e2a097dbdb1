/**
 * What is used of an open database of lmdb-js. Declared here, since the type declarations of that package do not compile in every
 * program that uses this one.
 */
export interface Database {
  get(key: Buffer): Buffer | undefined
  getRange(range: KeyRange): Iterable<{ readonly key: Buffer; readonly value: Buffer }>
  getKeys(range: KeyRange): Iterable<Buffer>
  /** One atomic commit. Rejects when it failed. */
  batch(action: () => void): Promise<boolean>
  transactionSync<T>(action: () => T): T
  put(key: Buffer, value: Buffer): unknown
  remove(key: Buffer): unknown
  putSync(key: Buffer, value: Buffer): unknown
  removeSync(key: Buffer): unknown
  resetReadTxn(): void
  readerCheck(): unknown
  readerList(): string
  getStats(): object
  /** @param compact leaves free pages out. */
  backup(directory: string, compact: boolean): Promise<unknown>
  close(): Promise<unknown>
}

export interface KeyRange {
  readonly start: Buffer
  readonly end: Buffer
  readonly limit?: number
}
