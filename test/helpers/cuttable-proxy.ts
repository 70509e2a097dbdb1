import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A TCP proxy that cuts its connections off. */
export class CuttableProxy {
  /** Called with each chunk of the broker before it is passed on. It may return false to drop it and cut the connection. */
  onAnswer: (chunk: Buffer) => boolean = () => true
  connections = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server) {
    this.#server = server
  }

  static async start(brokerPort: number): Promise<CuttableProxy> {
    const server = createServer()
    const proxy = new CuttableProxy(server)
    server.on('connection', (client) => proxy.#accept(client, brokerPort))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async stop(): Promise<void> {
    this.cut()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #accept(client: Socket, brokerPort: number): void {
    this.connections += 1
    const broker = connect({ host: '127.0.0.1', port: brokerPort })
    for (const socket of [client, broker]) {
      this.#sockets.add(socket)
      socket
        .on('error', () => {})
        .on('close', () => {
          this.#sockets.delete(socket)
          client.destroy()
          broker.destroy()
        })
    }
    client.on('data', (chunk) => broker.write(chunk))
    broker.on('data', (chunk) => {
      if (this.onAnswer(chunk)) client.write(chunk)
      else client.destroy()
    })
  }
}
