import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { type Packet, parser } from 'mqtt-packet'

/** A remote broker for tests of a client: it answers each packet with bytes of the test. */
export class BytesBroker {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** The packets of all connections so far. */
  readonly packets: Packet[] = []
  /** The first bytes of each connection. */
  readonly firstBytes: Buffer[] = []

  private constructor(server: Server) {
    this.#server = server
  }

  /** @param answer the bytes that answer a packet; `end` ends the connection; undefined is no answer. */
  static async start(answer: (packet: Packet, connection: number) => Buffer | 'end' | undefined): Promise<BytesBroker> {
    const server = createServer()
    const broker = new BytesBroker(server)
    let connections = 0
    server.on('connection', (socket) => {
      connections += 1
      const connection = connections
      broker.#sockets.add(socket)
      socket.once('data', (bytes: Buffer) => broker.firstBytes.push(bytes))
      const parsing = parser()
      parsing.on('packet', (packet: Packet) => {
        broker.packets.push(packet)
        const bytes = answer(packet, connection)
        if (bytes === 'end') socket.end()
        else if (bytes !== undefined) socket.write(bytes)
      })
      socket.on('data', (bytes: Buffer) => parsing.parse(bytes))
      socket.on('error', () => {})
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return broker
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }
}
