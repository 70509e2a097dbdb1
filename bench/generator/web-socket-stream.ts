import { Duplex } from 'node:stream'

/** What the broker must have answered before frames are read. */
const SWITCHING = 'HTTP/1.1 101 '
/** The longest answer to the request, in bytes. */
const MAXIMUM_ANSWER_BYTES = 16_384

const BINARY = 0x82
const CLOSE = 8
const PING = 9
const PONG_FRAME = 0x8a

/** The request of a client for MQTT over WebSocket. */
export const upgradeRequest = (path = '/mqtt'): string =>
  [
    `GET ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Protocol: mqtt',
    '\r\n',
  ].join('\r\n')

/**
 * The head of a frame of a client. The mask is 0, so that the payload is sent as it is: masking is work of the client, and the broker
 * unmasks all the same.
 * @param firstByte opcode and FIN.
 */
export const frameHead = (length: number, firstByte = BINARY): Buffer => {
  if (length < 126) return Buffer.of(firstByte, 0x80 | length, 0, 0, 0, 0)
  if (length < 65_536) return Buffer.of(firstByte, 0xfe, length >> 8, length & 0xff, 0, 0, 0, 0)
  const head = Buffer.alloc(14)
  head[0] = firstByte
  head[1] = 0xff
  head.writeBigUInt64BE(BigInt(length), 2)
  return head
}

/** The client side of a WebSocket as a stream of bytes: each write is one frame. It emits `connect` when the broker has accepted it. */
export class WebSocketStream extends Duplex {
  readonly #socket: Duplex
  /** The answer to the request, or the head of a frame, as far as it has come. */
  #head = Buffer.alloc(0)
  #isOpen = false
  #opcode = 0
  /** What is left of the payload of the frame that is coming. */
  #left = 0

  /** @param socket connected, and nothing was sent. */
  constructor(socket: Duplex) {
    super()
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('error', (error) => this.destroy(error))
    socket.on('end', () => this.push(null))
    socket.on('close', () => this.destroy())
    socket.write(upgradeRequest())
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: string, written: (error?: Error | null) => void): void {
    this.#socket.cork()
    this.#socket.write(frameHead(chunk.length))
    this.#socket.write(chunk, written)
    this.#socket.uncork()
  }

  override _final(done: () => void): void {
    this.#socket.end(Buffer.concat([frameHead(2, 0x80 | CLOSE), Buffer.of(3, 232)]), done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }

  #read(chunk: Buffer): void {
    let position = this.#isOpen ? 0 : this.#readAnswer(chunk)
    while (position < chunk.length) {
      if (this.#left === 0) position = this.#readHead(chunk, position)
      else {
        const end = Math.min(chunk.length, position + this.#left)
        this.#payload(chunk.subarray(position, end))
        this.#left -= end - position
        position = end
      }
    }
  }

  /** @returns how much of the chunk the answer took. */
  #readAnswer(chunk: Buffer): number {
    const before = this.#head.length
    this.#head = Buffer.concat([this.#head, chunk])
    const end = this.#head.indexOf('\r\n\r\n')
    if (end < 0 && this.#head.length <= MAXIMUM_ANSWER_BYTES) return chunk.length
    const line = this.#head.toString('latin1', 0, Math.min(end < 0 ? 40 : end, 40))
    this.#head = Buffer.alloc(0)
    if (end < 0 || !line.startsWith(SWITCHING)) {
      this.destroy(new Error(`the broker answered ${JSON.stringify(line)} to the request for a WebSocket`))
      return chunk.length
    }
    this.#isOpen = true
    this.emit('connect')
    return end + 4 - before
  }

  /** @returns where the payload begins, or the end of the chunk. */
  #readHead(chunk: Buffer, position: number): number {
    const before = this.#head.length
    const head = before === 0 ? chunk.subarray(position) : Buffer.concat([this.#head, chunk.subarray(position)])
    const size = head.length < 2 ? 2 : head[1]! === 127 ? 10 : head[1]! === 126 ? 4 : 2
    if (head.length < size) {
      this.#head = Buffer.from(head)
      return chunk.length
    }
    this.#opcode = head[0]! & 0x0f
    this.#left = size === 2 ? head[1]! : size === 4 ? head.readUInt16BE(2) : Number(head.readBigUInt64BE(2))
    this.#head = Buffer.alloc(0)
    return position + size - before
  }

  #payload(bytes: Buffer): void {
    if (this.#opcode === PING) this.#socket.write(Buffer.concat([frameHead(bytes.length, PONG_FRAME), bytes]))
    else if (this.#opcode < CLOSE && !this.push(bytes)) this.#socket.pause()
  }
}
