import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

/** A TCP server that answers each chunk of a client by a script, with bytes in hex: a broker that breaks the protocol. */
export class FakeBrokerServer {
  readonly sockets: Socket[] = []
  /** What all clients sent, as hex. */
  received = ''
  /** For connections from now on. */
  answers: readonly (string | ((socket: Socket) => void))[]
  readonly #server: Server

  private constructor(server: Server, answers: FakeBrokerServer['answers']) {
    this.#server = server
    this.answers = answers
  }

  /** @param answers to the first chunk of a connection, the second, and so on; a function acts on the socket. */
  static async start(answers: readonly (string | ((socket: Socket) => void))[]): Promise<FakeBrokerServer> {
    const server = createServer()
    const fake = new FakeBrokerServer(server, answers)
    server.on('connection', (socket) => {
      fake.sockets.push(socket)
      const { answers: own } = fake
      let index = 0
      socket.on('error', () => {})
      socket.on('data', (chunk) => {
        fake.received += chunk.toString('hex')
        const answer = own[index]
        index += 1
        if (typeof answer === 'function') answer(socket)
        else if (answer !== undefined) socket.write(Buffer.from(answer.replaceAll(' ', ''), 'hex'))
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return fake
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
