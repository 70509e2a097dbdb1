import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A TCP client that sends bytes and reads MQTT frames, both as hex: for packets that no MQTT client sends. */
export class RawClient {
  readonly socket: Socket
  /** Resolves when the connection is closed, by either side and in any way. */
  readonly closed: Promise<void>
  #received = Buffer.alloc(0)
  #changed: (() => void)[] = []
  #ended = false

  private constructor(socket: Socket) {
    this.socket = socket
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
    // A reset counts as a close.
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#change()
    })
    socket.on('close', () => {
      this.#ended = true
      this.#change()
    })
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    await once(socket, 'connect')
    return new RawClient(socket)
  }

  /** Sends bytes: `send('c000')` or `send('10 0c', 'c000')`. */
  send(...hex: string[]): this {
    this.socket.write(Buffer.from(hex.join('').replaceAll(' ', ''), 'hex'))
    return this
  }

  /** The next `length` bytes as hex. @throws when the connection closes before they have come. */
  async receive(length: number): Promise<string> {
    while (this.#received.length < length) {
      if (this.#ended) throw new Error(`closed after ${this.#received.toString('hex')}, ${length} bytes wanted`)
      await new Promise<void>((resolve) => this.#changed.push(resolve))
    }
    const bytes = this.#received.subarray(0, length)
    this.#received = this.#received.subarray(length)
    return bytes.toString('hex')
  }

  /** The next frame of less than 128 bytes, as hex. */
  async frame(): Promise<string> {
    const header = await this.receive(2)
    return header + (await this.receive(Number.parseInt(header.slice(2), 16)))
  }

  /** The next frame of any length. @throws when the connection closes before it has come. */
  async packet(): Promise<Buffer> {
    let header = await this.receive(2)
    while (Number.parseInt(header.slice(-2), 16) > 0x7f) header += await this.receive(1)
    const length = [...Buffer.from(header.slice(2), 'hex')].reduceRight((sum, byte) => sum * 128 + (byte & 0x7f), 0)
    return Buffer.from(header + (await this.receive(length)), 'hex')
  }

  /** Everything until the connection closes, as hex. */
  async rest(): Promise<string> {
    await this.closed
    return this.#received.toString('hex')
  }

  destroy(): void {
    this.socket.destroy()
  }

  #change(): void {
    for (const resolve of this.#changed.splice(0)) resolve()
  }
}
