import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request that a service got. */
export interface ServiceRequest {
  readonly headers: IncomingMessage['headers']
  /** Its body, parsed; undefined if it has none. */
  readonly body: unknown
  readonly response: ServerResponse
  /** Answers with JSON, unless told otherwise. */
  answer(status: number, body?: unknown): void
}

/** An HTTP service on this machine that answers as a test wants. */
export class JsonService {
  /** All requests so far. */
  readonly requests: readonly ServiceRequest[]
  readonly url: string
  readonly #server: Server
  readonly #handler: { answer: (request: ServiceRequest) => void }
  readonly #waiting: (() => void)[]

  private constructor(
    server: Server,
    requests: ServiceRequest[],
    handler: { answer: (request: ServiceRequest) => void },
    waiting: (() => void)[],
  ) {
    this.#server = server
    this.requests = requests
    this.#handler = handler
    this.#waiting = waiting
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  }

  /** @param answer called for each request. */
  static async start(answer: (request: ServiceRequest) => void): Promise<JsonService> {
    const requests: ServiceRequest[] = []
    const waiting: (() => void)[] = []
    const handler = { answer }
    const server = createServer(async (incoming, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of incoming) chunks.push(chunk as Buffer)
      const text = Buffer.concat(chunks).toString()
      const request = {
        headers: incoming.headers,
        body: text === '' ? undefined : JSON.parse(text),
        response,
        answer(status: number, body?: unknown) {
          response.writeHead(status, { 'content-type': 'application/json' })
          response.end(typeof body === 'string' ? body : body === undefined ? undefined : JSON.stringify(body))
        },
      }
      requests.push(request)
      for (const told of waiting.splice(0)) told()
      handler.answer(request)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new JsonService(server, requests, handler, waiting)
  }

  set answer(answer: (request: ServiceRequest) => void) {
    this.#handler.answer = answer
  }

  /** Resolves when it has got so many requests. */
  async requested(count: number): Promise<void> {
    while (this.requests.length < count) await new Promise<void>((told) => this.#waiting.push(told))
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    if (this.#server.listening) await once(this.#server, 'close')
  }
}
