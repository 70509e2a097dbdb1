/** Payload up to this size is copied behind its header, which costs less than a second piece of a write. */
export const COPIED_BYTES = 4 * 1024

const BINARY_FRAME = 0x82
const CLOSE_FRAME = 0x88
const PONG_FRAME = 0x8a

/** The header of a binary frame (RFC 6455, section 5.2). Frames of a server have no mask. @param length of the payload, in bytes. */
export const headerBytes = (length: number): number => (length < 126 ? 2 : length < 65_536 ? 4 : 10)

/** Writes the header of a binary frame. @param at where. @param length of its payload, in bytes. */
export const writeHeader = (target: Buffer, at: number, length: number): void => {
  target[at] = BINARY_FRAME
  if (length < 126) target[at + 1] = length
  else if (length < 65_536) {
    target[at + 1] = 126
    target.writeUInt16BE(length, at + 2)
  } else {
    target[at + 1] = 127
    target.writeUInt32BE(Math.floor(length / 2 ** 32), at + 2)
    target.writeUInt32BE(length >>> 0, at + 6)
  }
}

/**
 * Puts bytes into one binary frame.
 * @param length of all pieces together.
 * @returns what is to be written: one piece if the frame is small.
 */
export const binaryFrame = (pieces: readonly Uint8Array[], length: number): readonly Uint8Array[] => {
  const start = headerBytes(length)
  if (length > COPIED_BYTES) {
    const header = Buffer.allocUnsafe(start)
    writeHeader(header, 0, length)
    return [header, ...pieces]
  }
  const frame = Buffer.allocUnsafe(start + length)
  writeHeader(frame, 0, length)
  let offset = start
  for (const piece of pieces) {
    frame.set(piece, offset)
    offset += piece.length
  }
  return [frame]
}

/** A Close frame with a status code. */
export const closeFrame = (code: number): Buffer => Buffer.from([CLOSE_FRAME, 2, code >> 8, code & 0xff])

/** The answer to a Ping frame. @param payload that of the Ping frame, at most 125 bytes. */
export const pongFrame = (payload: Uint8Array): Buffer =>
  Buffer.concat([Uint8Array.of(PONG_FRAME, payload.length), payload])
