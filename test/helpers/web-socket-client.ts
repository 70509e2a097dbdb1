import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { clientFrame } from './web-socket-frames.ts'

/** The request of a client for MQTT. */
export const upgradeRequest = (headers: Readonly<Record<string, string | undefined>> = {}, path = '/mqtt'): string => {
  const all: Record<string, string | undefined> = {
    Host: '127.0.0.1',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Protocol': 'mqtt',
    ...headers,
  }
  const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}\r\n`]))
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}

/**
 * A WebSocket client as a stream of bytes that is half open, which that of `ws` is not: after `end` it still receives. Each write is one
 * frame. It does not wait for the answer to its request before it sends frames.
 */
export class WebSocketClient extends Duplex {
  readonly socket: Duplex
  /** The answer to the request. */
  answer = ''
  /** The payload lengths of the binary frames that came. */
  readonly frames: number[] = []
  /** The status code of the Close frame that came. */
  closeCode: number | undefined
  #bytes = Buffer.alloc(0)

  /** @param socket connected, and nothing was sent. */
  constructor(socket: Duplex, headers?: Readonly<Record<string, string | undefined>>) {
    super({ allowHalfOpen: true })
    this.socket = socket
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    // The connection may be reset when the broker closes it and has not read all.
    socket.on('error', () => this.destroy())
    socket.on('end', () => this.push(null))
    socket.on('close', () => this.destroy())
    socket.write(upgradeRequest(headers))
  }

  /** @param to a port of this machine. */
  static async connect(to: number, headers?: Readonly<Record<string, string | undefined>>): Promise<WebSocketClient> {
    const socket = connect({ port: to, host: '127.0.0.1', allowHalfOpen: true })
    await once(socket, 'connect')
    return new WebSocketClient(socket, headers)
  }

  override _read(): void {
    this.socket.resume()
  }

  override _write(chunk: Buffer, _encoding: string, written: (error?: Error | null) => void): void {
    this.socket.write(clientFrame(chunk), written)
  }

  override _final(done: () => void): void {
    if (this.closeCode !== undefined)
      (this.socket as Socket).end(clientFrame(Buffer.from([3, 232]), { opcode: 8 }), done)
    else this.socket.write(clientFrame(Buffer.from([3, 232]), { opcode: 8 }), done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.socket.destroy()
    done(error)
  }

  #take(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    if (this.answer === '') {
      const end = this.#bytes.indexOf('\r\n\r\n')
      if (end < 0) return
      this.answer = this.#bytes.toString('latin1', 0, end + 4)
      this.#bytes = this.#bytes.subarray(end + 4)
      this.emit('answer', this.answer)
    }
    if (!this.answer.startsWith('HTTP/1.1 101 ')) return
    while (this.#bytes.length >= 2) {
      const [first, short] = [this.#bytes[0]!, this.#bytes[1]!]
      const start = short < 126 ? 2 : short === 126 ? 4 : 10
      if (this.#bytes.length < start) return
      const length =
        short < 126 ? short : short === 126 ? this.#bytes.readUInt16BE(2) : Number(this.#bytes.readBigUInt64BE(2))
      if (this.#bytes.length < start + length) return
      const payload = this.#bytes.subarray(start, start + length)
      this.#bytes = this.#bytes.subarray(start + length)
      if ((first & 0x0f) === 8) {
        this.closeCode = payload.readUInt16BE(0)
        this.push(null)
      } else if ((first & 0x0f) === 10) this.emit('pong', payload)
      else {
        this.frames.push(length)
        if (!this.push(payload)) this.socket.pause()
      }
    }
  }
}
