import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { z } from 'zod'
import { type HttpHandler, HttpServer } from '../../src/kinds/http-server.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { peerAt } from './peer-at.ts'

/** The paths of an HTTP server without a network. A test calls `ask`. */
export class FakeHttpServer implements HttpServer {
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
    return this.answer(new Request(`http://127.0.0.1${path}`, init))
  }

  protected async answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    const fitting = this.paths.filter((path) => pathname === path || pathname.startsWith(`${path}/`))
    const longest = fitting.sort((a, b) => b.length - a.length)[0]
    if (longest === undefined) return new Response('', { status: 404 })
    return this.#routes.get(longest)!(request, peerAt('127.0.0.1:50000'))
  }
}

/** The same over a real socket, on a free port. */
export class TestHttpServer extends FakeHttpServer {
  readonly #server = createServer(getRequestListener((request) => this.answer(request)))

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Where a path is: `http://127.0.0.1:40000/metrics`. */
  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`
  }

  async listen(): Promise<this> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening')
    return this
  }

  stop(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

/** A component that serves HTTP, for systems of tests. */
export const testHttpServer = defineComponent({
  provides: HttpServer,
  needs: {},
  config: z.strictObject({}),
  start: () => new TestHttpServer().listen(),
  stop: (instance) => instance.stop(),
})
