import type { HttpHandler, HttpServer } from '../../src/kinds/http-server.ts'
import { peerAt } from './peer-at.ts'

/** The paths of an HTTP server without a network. A test calls `ask`. */
export class FakeHttpServer implements HttpServer {
  scheme: 'http' | 'https' = 'http'
  readonly address: string = '127.0.0.1:80'
  isLocal = true
  readonly #routes = new Map<string, HttpHandler>()

  route(path: string, handler: HttpHandler): () => void {
    if (this.#routes.has(path)) throw new Error(`${path} is served already.`)
    this.#routes.set(path, handler)
    return () => this.#routes.delete(path)
  }

  /** The paths that are served. */
  get paths(): readonly string[] {
    return [...this.#routes.keys()]
  }

  async ask(path: string, init?: RequestInit): Promise<Response> {
    return this.#answer(new Request(`http://127.0.0.1${path}`, init))
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    const fitting = this.paths.filter((path) => pathname === path || pathname.startsWith(`${path}/`))
    const longest = fitting.sort((a, b) => b.length - a.length)[0]
    if (longest === undefined) return new Response('', { status: 404 })
    return this.#routes.get(longest)!(request, peerAt('127.0.0.1:50000'))
  }
}
