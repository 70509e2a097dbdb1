import type { FileChange, Recording } from './recording.ts'

/** What a disk writes as a whole. */
const SECTOR_BYTES = 512

/**
 * The file as a power cut may leave it at a line of a recording. What was synced is there. Of everything else that was begun, each
 * sector is there or is not.
 * @param random decides that: numbers from 0 up to 1.
 */
export const fileAt = ({ changes, syncs }: Recording, line: number, random: () => number): Buffer => {
  let syncedBefore = -1
  for (const { start, end } of syncs) if (end < line) syncedBefore = Math.max(syncedBefore, start)
  const file = new GrowingFile()
  // Nothing, everything, or a part: the extremes are likely in life.
  const kind = random()
  const part = kind < 0.2 ? 0 : kind < 0.3 ? 1 : random()
  for (const change of changes) {
    if (change.start >= line) break
    const isDurable = change.end < line && (change.end < syncedBefore || isSynced(change))
    if (change.type === 'truncate') {
      if (isDurable || random() < part) file.truncate(change.size)
    } else if (isDurable) file.write(change.bytes, change.offset)
    else writePart(file, change, () => random() < part)
  }
  return file.bytes
}

const isSynced = (change: FileChange): boolean => change.type === 'write' && change.isSynced

const writePart = (
  file: GrowingFile,
  { bytes, offset }: { readonly bytes: Buffer; readonly offset: number },
  isWritten: () => boolean,
): void => {
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + SECTOR_BYTES - ((offset + at) % SECTOR_BYTES))
    if (isWritten()) file.write(bytes.subarray(at, end), offset + at)
    at = end
  }
}

class GrowingFile {
  #bytes = Buffer.alloc(64 * 1024)
  #size = 0

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#size)
  }

  write(bytes: Buffer, offset: number): void {
    this.#reserve(offset + bytes.length)
    bytes.copy(this.#bytes, offset)
    this.#size = Math.max(this.#size, offset + bytes.length)
  }

  truncate(size: number): void {
    this.#reserve(size)
    if (size < this.#size) this.#bytes.fill(0, size, this.#size)
    this.#size = size
  }

  #reserve(size: number): void {
    if (size <= this.#bytes.length) return
    const larger = Buffer.alloc(Math.max(size, this.#bytes.length * 2))
    this.#bytes.copy(larger)
    this.#bytes = larger
  }
}
