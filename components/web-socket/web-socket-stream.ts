import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { ByteStream } from '../../src/kinds/transport.ts'
import { FrameReader, type FrameUser, MAXIMUM_CONTROL_BYTES, NORMAL_CLOSURE } from './frame-reader.ts'
import { binaryFrame, closeFrame, pongFrame } from './frame-writer.ts'
import { PacketFrames } from './packet-frames.ts'

type Written = (error?: Error | null) => void

/** A peer that broke the WebSocket protocol. */
export class WebSocketError extends Error {
  override readonly name = 'WebSocketError'
}

/**
 * A WebSocket connection as a stream of bytes: the payload of its frames. What is written between `cork` and `uncork` is one frame,
 * or a frame for each MQTT packet.
 *
 * `end` sends a Close frame. Then the peer sends its own, and the connection is closed. A peer that sends a Close frame first is at its end,
 * but still gets what is written until `end`.
 */
export class WebSocketStream extends EventEmitter implements ByteStream, FrameUser {
  readonly copiesBytes = true
  errored: Error | null = null
  readonly #socket: Duplex
  readonly #frames: FrameReader = new FrameReader(this)

  // Reading.
  #isPaused = true
  #hasStarted = false
  #isReading = false
  /** The chunk that is read, and how far. */
  #chunk: Buffer | undefined
  #at = 0
  /** The peer has closed its side, by a Close frame or without one. */
  #isAtEnd = false
  /** The socket has ended. The last chunk may not be read yet: a socket ends as soon as it has given its bytes away. */
  #hasSocketEnded = false
  #isEndTold = false

  // Writing.
  /** Undefined if all packets of a batch are one frame. */
  readonly #packetFrames: PacketFrames | undefined
  #isCorked = false
  #pieces: Uint8Array[] = []
  #piecesBytes = 0
  #piecesWritten: Written | undefined
  /** Set by `end`, or when the protocol was broken: a Close frame was sent. */
  #isClosing = false
  /** Payload of the last Ping frame, while it is not answered since another answer is not taken yet. */
  #ping: Buffer | undefined
  #pingLength = -1
  #isPonging = false

  /**
   * @param socket after the upgrade. It is half open.
   * @param head the first bytes of the WebSocket, which arrived with the request.
   * @param isOnePacketPerFrame whether what is written is MQTT, and each of its packets becomes a frame.
   */
  constructor(socket: Duplex, head: Buffer, isOnePacketPerFrame = false) {
    super()
    this.#socket = socket
    this.#packetFrames = isOnePacketPerFrame ? new PacketFrames() : undefined
    if (head.length > 0) this.#chunk = head
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.pause()
    socket.on('end', () => this.#peerEnded())
    socket.on('error', (error) => this.#report(error))
    socket.on('close', () => this.emit('close'))
  }

  override on(event: string, listener: (...values: never[]) => void): this {
    super.on(event, listener as (...values: unknown[]) => void)
    if (event === 'data' && !this.#hasStarted) this.resume()
    return this
  }

  get writableLength(): number {
    return this.#socket.writableLength + this.#piecesBytes
  }

  get destroyed(): boolean {
    return this.#socket.destroyed
  }

  pause(): this {
    this.#isPaused = true
    this.#socket.pause()
    return this
  }

  resume(): this {
    this.#hasStarted = true
    this.#isPaused = false
    // As with other streams, nothing is passed on within this call.
    if (!this.#isReading) process.nextTick(this.#goOn)
    return this
  }

  cork(): void {
    this.#isCorked = true
  }

  uncork(): void {
    this.#isCorked = false
    this.#send()
  }

  write(bytes: Uint8Array, written?: Written): boolean {
    if (this.#isClosing || this.destroyed) {
      written?.(new WebSocketError('the WebSocket is closed'))
      return false
    }
    this.#pieces.push(bytes)
    this.#piecesBytes += bytes.length
    this.#piecesWritten = written
    if (!this.#isCorked) this.#send()
    return !this.#socket.writableNeedDrain
  }

  end(): this {
    this.#close(NORMAL_CLOSURE)
    if (this.#isAtEnd) this.#socket.end()
    return this
  }

  destroy(): this {
    this.#socket.destroy()
    return this
  }

  pinged(payload: Uint8Array): void {
    // Only the last of several Ping frames needs an answer. No frame is made for the others: a peer may send thousands.
    this.#ping ??= Buffer.alloc(MAXIMUM_CONTROL_BYTES)
    this.#ping.set(payload)
    this.#pingLength = payload.length
    this.#sendPong()
  }

  closed(): void {
    this.#isAtEnd = true
  }

  failed(code: number, message: string): void {
    const error = new WebSocketError(message)
    const isBlocked = this.#socket.writableLength > 0
    this.#close(code, () => this.#report(error))
    // A peer that reads nothing would not be told.
    if (isBlocked) this.#report(error)
  }

  #send(): void {
    const length = this.#piecesBytes
    if (length === 0) return
    const frame = this.#packetFrames?.frame(this.#pieces, length) ?? binaryFrame(this.#pieces, length)
    const written = this.#piecesWritten
    this.#pieces = []
    this.#piecesBytes = 0
    this.#piecesWritten = undefined
    if (frame.length === 1) {
      this.#socket.write(frame[0]!, written)
      return
    }
    this.#socket.cork()
    const last = frame.length - 1
    for (const [index, piece] of frame.entries()) this.#socket.write(piece, index === last ? written : undefined)
    this.#socket.uncork()
  }

  #sendPong(): void {
    if (this.#pingLength < 0 || this.#isPonging || this.#isClosing) return
    const pong = pongFrame(this.#ping!.subarray(0, this.#pingLength))
    this.#pingLength = -1
    this.#isPonging = true
    this.#socket.write(pong, () => {
      this.#isPonging = false
      this.#sendPong()
    })
  }

  /** Sends the Close frame, once. */
  #close(code: number, written?: Written): void {
    if (this.#isClosing) {
      if (written !== undefined) process.nextTick(written)
      return
    }
    this.#send()
    this.#isClosing = true
    this.#socket.write(closeFrame(code), written)
  }

  #read(chunk: Buffer): void {
    // After the last frame everything is discarded, until the connection is closed.
    if (this.#frames.isOver) return
    this.#chunk = this.#chunk === undefined ? chunk : Buffer.concat([this.#chunk.subarray(this.#at), chunk])
    this.#at = 0
    if (this.#isPaused) this.#socket.pause()
    else this.#readChunk()
  }

  readonly #goOn = (): void => {
    if (this.#isPaused || this.#isReading) return
    if (this.#chunk !== undefined) this.#readChunk()
    if (!this.#isPaused) this.#socket.resume()
  }

  #readChunk(): void {
    const chunk = this.#chunk!
    this.#isReading = true
    while (!this.#isPaused && this.#at < chunk.length && !this.#frames.isOver) {
      const start = this.#at
      this.#at = this.#frames.step(chunk, start)
      // Also without payload: the receiver charges the peer for each step.
      if (this.errored === null) this.emit('data', chunk.subarray(start, this.#frames.payloadEnd))
    }
    this.#isReading = false
    if (this.#at === chunk.length || this.#frames.isOver) this.#chunk = undefined
    if (this.#frames.isOver) this.#afterLastFrame()
    else if (this.#chunk === undefined && this.#hasSocketEnded) this.#tellEnd()
    else if (!this.#isPaused && this.#socket.isPaused()) this.#socket.resume()
  }

  #afterLastFrame(): void {
    // What still comes is discarded. The end of the connection is found only by reading.
    this.#socket.resume()
    if (this.#isAtEnd) this.#tellEnd()
  }

  /** The connection has ended, maybe without a Close frame. What came before is read first: it may be DISCONNECT. */
  #peerEnded(): void {
    this.#isAtEnd = true
    this.#hasSocketEnded = true
    if (this.#chunk === undefined) this.#tellEnd()
  }

  #tellEnd(): void {
    if (this.#isClosing) this.#socket.end()
    if (this.#isEndTold) return
    this.#isEndTold = true
    this.emit('end')
  }

  #report(error: Error): void {
    if (this.errored !== null) return
    this.errored = error
    if (this.listenerCount('error') > 0) this.emit('error', error)
    else this.destroy()
  }
}
