/** Called when the operating system has taken the bytes of a write, or with the error of the write. */
export type Written = (error?: Error | null) => void

/** Where the bytes of a connection go. */
export interface ByteSink {
  /** Writes bytes, which must not change before `written` is called: during this call, if the operating system takes all. */
  send(bytes: Uint8Array, written: Written): void
  /** Writes several pieces, with one system call. */
  sendAll(pieces: readonly Uint8Array[], written: Written): void
}
