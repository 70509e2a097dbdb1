import { open } from 'node:fs/promises'

export interface BoundedFile {
  readonly content: Buffer
  /** The permissions of the file. */
  readonly mode: number
}

/**
 * Reads a file of limited size. At most one byte more than the limit is read, also from a device or a file that grows.
 * @param limit the config value that has the limit, for the message.
 * @throws an Error that names the file when it is larger, and what the file system throws.
 */
export const readBoundedFile = async (path: string, maximumBytes: number, limit?: string): Promise<BoundedFile> => {
  const file = await open(path)
  try {
    const { mode } = await file.stat()
    const chunks: Buffer[] = []
    let length = 0
    for await (const chunk of file.createReadStream({ end: maximumBytes, autoClose: false })) {
      chunks.push(chunk as Buffer)
      length += (chunk as Buffer).length
    }
    if (length > maximumBytes) {
      throw new Error(`${path} has more than ${maximumBytes} bytes${limit === undefined ? '' : ` (${limit})`}`)
    }
    return { content: Buffer.concat(chunks, length), mode }
  } finally {
    await file.close()
  }
}
