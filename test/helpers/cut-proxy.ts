import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A TCP proxy whose connections a test cuts: the bytes under way are lost in both directions. */
export class CutProxy {
  readonly #server: Server
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  #target: number
  /** Connections so far. */
  connections = 0

  private constructor(server: Server, target: number) {
    this.#server = server
    this.#target = target
  }

  /** @param target a port of 127.0.0.1. */
  static async start(target: number): Promise<CutProxy> {
    const server = createServer()
    const proxy = new CutProxy(server, target)
    server.on('connection', (client) => proxy.#accept(client))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** New connections go to another port. */
  leadTo(port: number): void {
    this.#target = port
  }

  /** Cuts all connections. @returns how many there were. */
  cut(): number {
    const pairs = [...this.#pairs]
    this.#pairs.clear()
    for (const sockets of pairs) for (const socket of sockets) socket.destroy()
    return pairs.length
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.cut()
    await closed
  }

  #accept(client: Socket): void {
    this.connections += 1
    const server = connect(this.#target, '127.0.0.1')
    const pair = [client, server] as const
    this.#pairs.add(pair)
    client.pipe(server).pipe(client)
    for (const socket of pair) {
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#pairs.delete(pair)
        for (const each of pair) each.destroy()
      })
    }
  }
}
