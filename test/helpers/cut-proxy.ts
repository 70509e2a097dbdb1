import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { PacketCapture } from './packet-capture.ts'

/** A TCP proxy whose connections a test cuts: the bytes under way are lost in both directions. */
export class CutProxy {
  readonly #server: Server
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  #target: number
  /** Takes what comes through; undefined if nothing does. */
  readonly #capture: PacketCapture | undefined
  /** Connections so far. */
  connections = 0

  private constructor(server: Server, target: number, capture: PacketCapture | undefined) {
    this.#server = server
    this.#target = target
    this.#capture = capture
  }

  /** @param target a port of 127.0.0.1. @param capture of the packets of a bridge that connects to the proxy. */
  static async start(target: number, capture?: PacketCapture): Promise<CutProxy> {
    const server = createServer()
    const proxy = new CutProxy(server, target, capture)
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
    const { connections: number } = this
    if (this.#capture !== undefined) {
      client.on('data', (bytes: Buffer) => this.#capture!.take(number, 'bridge', bytes))
      server.on('data', (bytes: Buffer) => this.#capture!.take(number, 'remote', bytes))
    }
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
