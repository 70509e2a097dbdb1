export interface ClientFrame {
  /** 2, a binary frame, unless told otherwise. */
  readonly opcode?: number
  readonly isLast?: boolean
  /** The mask as a number; 0 leaves the payload as it is. */
  readonly mask?: number
}

/** A frame of a WebSocket client. */
export const clientFrame = (
  payload: Uint8Array,
  { opcode = 2, isLast = true, mask = 0x1234_5678 }: ClientFrame = {},
): Buffer => {
  const { length } = payload
  const first = (isLast ? 0x80 : 0) | opcode
  const size =
    length < 126
      ? Buffer.from([first, 0x80 | length])
      : length < 65_536
        ? Buffer.from([first, 0xfe, length >> 8, length & 0xff])
        : Buffer.from([
            first,
            0xff,
            0,
            0,
            0,
            0,
            length >>> 24,
            (length >> 16) & 0xff,
            (length >> 8) & 0xff,
            length & 0xff,
          ])
  const key = Buffer.alloc(4)
  key.writeUInt32BE(mask)
  return Buffer.concat([size, key, payload.map((byte, index) => byte ^ key[index & 3]!)])
}
