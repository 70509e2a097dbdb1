/** An error that names an entry of the file and the reason. */
export const unreadable = (key: Buffer, cause: unknown): Error =>
  new Error(`the entry ${key.toString('hex')} cannot be read: ${reasonOf(cause)}`, { cause })

const reasonOf = (error: unknown): string => (error as Error).message.split('\n')[0]!
