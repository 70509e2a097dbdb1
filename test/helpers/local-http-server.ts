import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { HttpHandler, HttpServer } from '../../src/kinds/http-server.ts'
import { UNKNOWN_PEER } from '../../src/kinds/peer.ts'

/** An HTTP server on a free port of this machine, for tests of what is served. It has no bounds. */
export class LocalHttpServer implements HttpServer {
  readonly isLocal = true
  readonly scheme = 'http'
  readonly #server: Server
  readonly #routes = new Map<string, HttpHandler>()

  private constructor(server: Server) {
    this.#server = server
    server.on('request', (request, response) => void this.#answer(request, response))
  }

  /** @param port 0 is a free one. */
  static async open(port = 0): Promise<LocalHttpServer> {
    const server = createServer().listen(port, '127.0.0.1')
    await once(server, 'listening')
    return new LocalHttpServer(server)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  route(path: string, handler: HttpHandler): () => void {
    this.#routes.set(path, handler)
    return () => this.#routes.delete(path)
  }

  /** Closes all connections at once, as when the broker is killed. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  async #answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const gone = new AbortController()
    outgoing.once('close', () => gone.abort())
    const { method = 'GET', url = '/' } = incoming
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const headers = Object.entries(incoming.headers).map(([name, value]): [string, string] => [name, `${value}`])
    const request = new Request(`http://${this.address}${url}`, {
      method,
      headers,
      signal: gone.signal,
      ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
    })
    const response = await this.#handlerOf(new URL(request.url).pathname)(request, UNKNOWN_PEER)
    outgoing.writeHead(response.status, Object.fromEntries(response.headers))
    if (response.body === null) outgoing.end()
    // A client that goes away ends the answer.
    else await pipeline(Readable.fromWeb(response.body as never), outgoing).catch(() => undefined)
  }

  /** The longest path that fits. */
  #handlerOf(pathname: string): HttpHandler {
    const fitting = [...this.#routes.keys()].filter((path) => path === '/' || `${pathname}/`.startsWith(`${path}/`))
    const longest = fitting.sort((a, b) => b.length - a.length)[0]
    return longest === undefined ? () => new Response(null, { status: 404 }) : this.#routes.get(longest)!
  }
}
