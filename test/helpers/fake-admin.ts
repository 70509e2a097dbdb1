import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export const FAKE_TOKEN = 'a-token-of-a-test-0123'

/** Answers a request: a value with status 200, or a status and a value. */
export type FakeAnswer = (url: URL, body: unknown) => unknown

/** The admin API with answers of a test: routes by `GET /clients`, or `DELETE /clients/{}` where `{}` is any name. */
export class FakeAdmin {
  readonly requests: { readonly method: string; readonly path: string; readonly body: unknown }[] = []
  readonly routes = new Map<string, FakeAnswer>()
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  static async start(routes: Readonly<Record<string, FakeAnswer>> = {}): Promise<FakeAdmin> {
    const server = createServer()
    const fake = new FakeAdmin(server)
    for (const [route, answer] of Object.entries(routes)) fake.routes.set(route, answer)
    server.on('request', (request, response) => void fake.#answer(request, response))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return fake
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '' } = request
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString()
    const body: unknown = text === '' ? undefined : JSON.parse(text)
    this.requests.push({ method, path, body })
    const reply = (status: number, value: unknown): void => {
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value))
    }
    const url = new URL(path, this.url)
    const isOpen = url.pathname === '/readyz'
    if (!isOpen && request.headers.authorization !== `Bearer ${FAKE_TOKEN}`) {
      return reply(401, { error: 'The token is wrong.' })
    }
    const route = isOpen ? 'GET /readyz' : `${method} ${url.pathname.replace('/api/v1', '')}`
    const found = [...this.routes].find(([name]) => new RegExp(`^${name.replaceAll('{}', '[^/]+')}$`).test(route))
    if (found === undefined) return reply(404, { error: 'There is no such thing.' })
    const value = found[1](url, body)
    if (Array.isArray(value)) reply(value[0] as number, value[1])
    else reply(200, value)
  }
}

/** A page of a list, as the admin API divides it: the cursor is a number. */
export const fakePage = (items: readonly unknown[], { searchParams }: URL) => {
  const limit = Number(searchParams.get('limit') ?? 100)
  const start = Number(searchParams.get('after') ?? 0)
  const end = start + limit
  return { items: items.slice(start, end), next: end < items.length ? String(end) : null, total: items.length }
}
