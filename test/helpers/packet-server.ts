import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { eventually } from './eventually.ts'

/** A broker by hand, for tests of a client: they look at the packets of each connection, and send bytes as they like. */
export class PacketServer {
  readonly connections: PacketConnection[] = []
  /** Whether a connection stays open after the client has ended it. */
  staysOpen = false
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket) => {
      this.connections.push(new PacketConnection(socket))
      socket.on('end', () => {
        if (!this.staysOpen) socket.end()
      })
    })
  }

  static async start(): Promise<PacketServer> {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new PacketServer(server)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** The connection of this number, counted from 1, after its CONNECT packet has come. */
  async connection(number = 1): Promise<PacketConnection> {
    await eventually(() => {
      if ((this.connections[number - 1]?.packets.length ?? 0) === 0) throw new Error(`no connection ${number}`)
    })
    return this.connections[number - 1]!
  }

  async stop(): Promise<void> {
    for (const { socket } of this.connections) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

export class PacketConnection {
  readonly socket: Socket
  /** What the client sent, in hex, packet by packet. */
  readonly packets: string[] = []
  #chunks: Buffer[] = []
  #length = 0
  /** So many bytes have to be there before it is worth looking again. */
  #needed = 2

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', () => {}).on('data', (chunk) => this.#take(chunk))
  }

  /** @param packets in hex. */
  send(...packets: string[]): void {
    this.socket.write(Buffer.from(packets.join('').replaceAll(' ', ''), 'hex'))
  }

  /** Waits for so many packets. */
  async received(count: number): Promise<readonly string[]> {
    await eventually(() => {
      if (this.packets.length < count) throw new Error(`${this.packets.length} packets: ${this.packets.join(' ')}`)
    })
    return this.packets
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#length += chunk.length
    while (this.#length >= this.#needed) {
      const bytes = Buffer.concat(this.#chunks)
      this.#chunks = [bytes]
      const lengthEnd = bytes.subarray(1, 5).findIndex((byte) => byte < 0x80) + 2
      if (lengthEnd < 2) return
      const body = bytes.subarray(1, lengthEnd).reduce((sum, byte, index) => sum + ((byte & 0x7f) << (7 * index)), 0)
      this.#needed = lengthEnd + body
      if (bytes.length < this.#needed) return
      this.packets.push(bytes.toString('hex', 0, this.#needed))
      this.#chunks = [bytes.subarray(this.#needed)]
      this.#length -= this.#needed
      this.#needed = 2
    }
  }
}
