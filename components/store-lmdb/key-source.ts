/** Finds entries in the file, as it is before a batch. */
export interface KeySource {
  keys(start: Buffer, end: Buffer, limit: number): Buffer[]
  get(key: Buffer): Buffer | undefined
}
