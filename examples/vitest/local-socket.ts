/** A transport of your own: clients of this machine connect to a Unix socket. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import {
  type ByteStream,
  DEFAULT_LISTENER_OPTIONS,
  defineComponent,
  Transport,
  type TransportServer,
  z,
} from 'mqtt-jig'

class LocalSocket implements Transport {
  readonly name: string
  readonly address: string
  readonly transport = 'unix'
  readonly isLocal = true
  // The streams are sockets of the operating system, without TLS around them.
  readonly adoptable = true
  readonly options = DEFAULT_LISTENER_OPTIONS
  readonly #server: Server
  #served: TransportServer | undefined
  #waiting: ByteStream[] = []

  private constructor(name: string, path: string) {
    this.name = name
    this.address = path
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => this.#accept(socket))
  }

  static async listen(name: string, path: string): Promise<LocalSocket> {
    const transport = new LocalSocket(name, path)
    transport.#server.listen(path)
    await once(transport.#server, 'listening')
    return transport
  }

  serve(server: TransportServer): void {
    if (this.#served !== undefined) throw new Error(`${this.name} is served by another server already.`)
    this.#served = server
    for (const stream of this.#waiting.splice(0)) this.#accept(stream)
  }

  hold(unserved: readonly ByteStream[]): void {
    this.#served = undefined
    this.#waiting.push(...unserved)
  }

  async close(): Promise<void> {
    for (const stream of this.#waiting.splice(0)) stream.destroy()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }

  #accept(stream: ByteStream): void {
    const peer = { address: '', port: 0, listener: this.name, transport: this.transport }
    if (this.#served === undefined) this.#waiting.push(stream)
    else this.#served.accept(stream, peer)
  }
}

export const localSocket = defineComponent({
  provides: Transport,
  needs: {},
  config: z.strictObject({ path: z.string() }),
  describe: ({ path }) => path,
  start: ({ path }, _dependencies, { name }) => LocalSocket.listen(name, path),
  stop: (instance) => instance.close(),
})
