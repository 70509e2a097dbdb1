import { type Mask, unmask } from './unmask.ts'

/**
 * Frames that are read in one step, at most. A step is charged like a read of the connection. Without this bound a peer would have
 * thousands of empty frames read for the price of one read (CVE-2026-48779 is about such fragments).
 */
export const FRAMES_PER_STEP = 64

/**
 * Frames that carry little cost as much as others, and no packets are charged for them: one with less payload than this counts as
 * several, and a control frame as more.
 */
const SMALL_BYTES = 16
export const SMALL_FRAMES = 4
export const CONTROL_FRAMES = 8

/** Status codes of the Close frame (RFC 6455, section 7.4.1). */
export const NORMAL_CLOSURE = 1000
export const PROTOCOL_ERROR = 1002
const UNSUPPORTED_DATA = 1003
const INVALID_TEXT = 1007
const TOO_BIG = 1009

/** Takes what is not payload. */
export interface FrameUser {
  /** @param payload changes after this call. */
  pinged(payload: Uint8Array): void
  /** The peer sends no more frames. @param code what it said, or `NORMAL_CLOSURE` if it said nothing. */
  closed(code: number): void
  /** The peer broke the protocol. Nothing more may be read. @param code for the Close frame. */
  failed(code: number, message: string): void
}

const CONTINUATION = 0x0
const TEXT = 0x1
const BINARY = 0x2
const CLOSE = 0x8
const PING = 0x9
const PONG = 0xa

const MAXIMUM_HEADER_BYTES = 14
/** Payload of a control frame, at most. */
export const MAXIMUM_CONTROL_BYTES = 125

/**
 * Reads the frames of a WebSocket client (RFC 6455, section 5). MQTT does not care where a frame or a message begins [MQTT-6.0.0-2], so
 * the payload is passed on as it arrives: no frame is kept until it is complete, however large it is.
 */
export class FrameReader {
  readonly #user: FrameUser
  /** The header of the frame, as far as it has come. */
  // Not from the pool of Node: a small part would keep 8 KiB until the connection ends.
  readonly #header = Buffer.alloc(MAXIMUM_HEADER_BYTES)
  #headerLength = 0
  #headerWanted = 2
  #opcode = 0
  readonly #mask: Mask = { key: 0, offset: 0 }
  /** Bytes of the payload of this frame that have not come; -1 while the header is read. */
  #left = -1
  /** Whether a message has begun whose last frame has not come. */
  #isFragmented = false
  /** Payload of a control frame. */
  #control: Buffer | undefined
  #controlLength = 0
  /** No more frames are read: the peer has closed its side, or broken the protocol. */
  isOver = false
  /** The payload that the last step found is in the chunk, from where the step began to here. */
  payloadEnd = 0

  constructor(user: FrameUser) {
    this.#user = user
  }

  /**
   * Reads on in a chunk, at most `FRAMES_PER_STEP` frames. The payload is decoded within the chunk and moved to the beginning of the part
   * that was read.
   * @returns where the next step begins; it is over at the end of the chunk.
   */
  step(chunk: Buffer, start: number): number {
    let at = start
    let frames = 0
    this.payloadEnd = start
    while (at < chunk.length && !this.isOver) {
      if (this.#left < 0) {
        if (frames >= FRAMES_PER_STEP) break
        at = this.#readHeader(chunk, at)
        if (this.#headerLength < this.#headerWanted || this.isOver) continue
        frames += this.#opcode >= CLOSE ? CONTROL_FRAMES : this.#left < SMALL_BYTES ? SMALL_FRAMES : 1
      } else at = this.#readPayload(chunk, at)
      if (this.#left === 0) this.#endFrame()
    }
    return at
  }

  #readHeader(chunk: Buffer, start: number): number {
    const header = this.#header
    let at = start
    while (at < chunk.length && this.#headerLength < this.#headerWanted) {
      header[this.#headerLength++] = chunk[at++]!
      if (this.#headerLength === 2) this.#checkStart(header[0]!, header[1]!)
    }
    if (this.#headerLength === this.#headerWanted && !this.isOver) this.#beginFrame()
    return at
  }

  /** Checks the first two bytes of a frame. */
  #checkStart(first: number, second: number): void {
    const opcode = first & 0x0f
    const isLast = (first & 0x80) !== 0
    const length = second & 0x7f
    const isControl = opcode >= CLOSE
    this.#opcode = opcode
    this.#headerWanted = 2 + 4 + (length === 126 ? 2 : length === 127 ? 8 : 0)
    if ((first & 0x70) !== 0) this.#fail(PROTOCOL_ERROR, 'a frame has reserved bits')
    else if (opcode === TEXT)
      this.#fail(UNSUPPORTED_DATA, 'a text frame: MQTT is sent in binary frames') // [MQTT-6.0.0-1]
    else if (opcode > PONG || (opcode > BINARY && !isControl))
      this.#fail(PROTOCOL_ERROR, 'a frame has an unknown opcode')
    else if ((second & 0x80) === 0) this.#fail(PROTOCOL_ERROR, 'a frame is not masked')
    else if (isControl && (!isLast || length > MAXIMUM_CONTROL_BYTES)) {
      this.#fail(PROTOCOL_ERROR, 'a control frame is fragmented or too long')
    } else if (opcode === CONTINUATION && !this.#isFragmented) {
      this.#fail(PROTOCOL_ERROR, 'a continuation frame without a message')
    } else if (opcode === BINARY && this.#isFragmented) {
      this.#fail(PROTOCOL_ERROR, 'a message begins within another message')
    } else if (!isControl) this.#isFragmented = !isLast
  }

  /** The header is complete. */
  #beginFrame(): void {
    const header = this.#header
    const short = header[1]! & 0x7f
    if (short < 126) this.#left = short
    else if (short === 126) this.#left = header.readUInt16BE(2)
    else {
      this.#left = header.readUInt32BE(2) * 2 ** 32 + header.readUInt32BE(6)
      if (!Number.isSafeInteger(this.#left)) this.#fail(TOO_BIG, 'a frame is longer than any message')
    }
    this.#mask.key = header.readInt32LE(this.#headerWanted - 4)
    this.#mask.offset = 0
  }

  #readPayload(chunk: Buffer, at: number): number {
    const length = Math.min(this.#left, chunk.length - at)
    this.#left -= length
    if (this.#opcode < CLOSE) {
      unmask(chunk, at, length, this.#mask, chunk, this.payloadEnd)
      this.payloadEnd += length
    } else {
      this.#control ??= Buffer.alloc(MAXIMUM_CONTROL_BYTES)
      unmask(chunk, at, length, this.#mask, this.#control, this.#controlLength)
      this.#controlLength += length
    }
    return at + length
  }

  #endFrame(): void {
    this.#left = -1
    this.#headerLength = 0
    this.#headerWanted = 2
    if (this.#opcode < CLOSE) return
    const payload = this.#control?.subarray(0, this.#controlLength) ?? NOTHING
    this.#controlLength = 0
    if (this.#opcode === PING) this.#user.pinged(payload)
    else if (this.#opcode === CLOSE) this.#readClose(payload)
  }

  #readClose(payload: Buffer): void {
    if (payload.length === 1) {
      this.#fail(PROTOCOL_ERROR, 'a Close frame with half a status code')
      return
    }
    const code = payload.length === 0 ? NORMAL_CLOSURE : payload.readUInt16BE(0)
    const reason = payload.subarray(2)
    if (!isValidCode(code)) this.#fail(PROTOCOL_ERROR, 'a Close frame with an invalid status code')
    else if (!Buffer.from(reason.toString()).equals(reason)) this.#fail(INVALID_TEXT, 'a Close frame with invalid text')
    else {
      this.isOver = true
      this.#user.closed(code)
    }
  }

  #fail(code: number, message: string): void {
    this.isOver = true
    this.#user.failed(code, message)
  }
}

const NOTHING = Buffer.alloc(0)

/** Status codes that a peer may send: some are for the use of programs alone. */
const isValidCode = (code: number): boolean =>
  (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) || (code >= 3000 && code <= 4999)
