import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Server as SecureServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { LogInterval } from '../../src/collections/log-interval.ts'
import type { HttpHandler, HttpServer } from '../../src/kinds/http-server.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { Peer } from '../../src/kinds/peer.ts'
import { ReplaceableLogger } from '../../src/kinds/replaceable-logger.ts'
import { addressKey } from '../../src/network/address-key.ts'
import { type AddressRateLimits, AddressRates } from '../../src/network/address-rates.ts'
import { change, follow, inSequence, NO_ADJUSTMENT, refused } from '../../src/network/adjustments.ts'
import { formatAddress } from '../../src/network/format-address.ts'
import { isLoopback } from '../../src/network/loopback.ts'
import type { TlsContexts } from '../../src/network/tls/tls-contexts.ts'
import { jsonResponse } from '../../src/network/whole-body.ts'
import type { Adjustment } from '../../src/system/define-system.ts'
import { AllowedHosts } from './allowed-hosts.ts'
import type { HttpServerConfig } from './config.ts'
import { newHttpCounters, type RefusalReason } from './counters.ts'
import { readBody, send, TOO_LARGE, toRequest } from './exchange.ts'
import { checkRemote, configure, listen, moveTo, type NodeServer, openContexts, tlsOf } from './node-server.ts'
import { Routes } from './routes.ts'

/** Requests of one connection that are served at the same time. Browsers and fetch send one after the other. */
const MAXIMUM_PIPELINED = 8
/** Addresses whose requests are counted. */
const MAXIMUM_ADDRESSES = 10_000
/** One line of the log in this time says that requests are refused. */
const LOG_INTERVAL_MS = 60_000

/** A request whose answer is not complete. */
interface OpenRequest {
  /** Kept, since the signal of a Request that nothing refers to is never aborted. */
  request: Request | undefined
}

/** Serves HTTP with node:http, or HTTPS. */
export class NodeHttpServer implements HttpServer {
  readonly scheme: 'http' | 'https'
  readonly counters = newHttpCounters()
  #config: HttpServerConfig
  readonly #name: string
  readonly #log: ReplaceableLogger
  #server: NodeServer
  #bound: AddressInfo
  readonly #contexts: TlsContexts | undefined
  #hosts: AllowedHosts
  readonly #rates: AddressRates
  readonly #routes = new Routes()
  readonly #open = new Set<OpenRequest>()
  readonly #connections = new Set<Socket>()
  /** The number of connections of each address. */
  readonly #ofAddress = new Map<string, number>()
  /** The answers of each connection that are not complete. */
  readonly #pipelinedOf = new WeakMap<Socket, Set<ServerResponse>>()
  readonly #refusalLog = new LogInterval(LOG_INTERVAL_MS)
  #stopping = false

  private constructor(
    config: HttpServerConfig,
    server: NodeServer,
    contexts: TlsContexts | undefined,
    name: string,
    log: ReplaceableLogger,
  ) {
    this.#config = config
    this.#server = server
    this.#bound = server.address() as AddressInfo
    this.#contexts = contexts
    this.scheme = contexts === undefined ? 'http' : 'https'
    this.#name = name
    this.#log = log
    this.#hosts = new AllowedHosts(config.hosts)
    this.#rates = new AddressRates(ratesOf(config))
    this.#attach(server)
    contexts?.onReload(({ certificates }) => {
      ;(this.#server as SecureServer).setSecureContext(certificates[0].options)
    })
  }

  /**
   * Begins to listen.
   * @throws an Error if other machines would reach it and the config does not allow that, and the operating system's error.
   */
  static async open(config: HttpServerConfig, name: string, log: Logger): Promise<NodeHttpServer> {
    await checkRemote(config, name)
    const current = new ReplaceableLogger(log)
    const contexts = await openContexts(config, current)
    try {
      const server = await listen(config, contexts)
      const opened = new NodeHttpServer(config, server, contexts, name, current)
      opened.#logAddress()
      return opened
    } catch (error) {
      contexts?.stop()
      throw error
    }
  }

  /**
   * Prepares the change to another config, or to other contents of the files that it names. Connections and routes stay; connections to an
   * address that it leaves end after a second. Deadlines are checked as often as the server that was started first does it, and the one
   * of a TLS handshake stays.
   * @returns an adjustment that is refused if the new address or the certificate cannot be used.
   * @throws Error if it is to have certificates and had none, or the other way round, and for another host at the same port.
   */
  async adjust(config: HttpServerConfig, log: Logger): Promise<Adjustment> {
    if ((config.cert === undefined) !== (this.#contexts === undefined)) throw new Error('HTTPS was turned on or off')
    const isMoved = config.host !== this.#config.host || config.port !== this.#config.port
    if (isMoved && config.port === this.#config.port && config.port !== 0) throw new Error('host changed, and not port')
    try {
      await checkRemote(config, this.#name)
      const move = isMoved
        ? moveTo(await listen(config, this.#contexts), (server) => this.#moveTo(server))
        : NO_ADJUSTMENT
      const certificates = await this.#contexts?.prepare(tlsOf(config))
      const use = change(() => this.#use(config))
      return inSequence(follow(this.#log, log), move, certificates ?? NO_ADJUSTMENT, use)
    } catch (error) {
      return refused(error)
    }
  }

  get address(): string {
    return formatAddress(this.#bound.address, this.#bound.port)
  }

  get port(): number {
    return this.#bound.port
  }

  get isLocal(): boolean {
    return isLoopback(this.#bound.address)
  }

  get connections(): number {
    return this.#connections.size
  }

  get openRequests(): number {
    return this.#open.size
  }

  route(path: string, handler: HttpHandler): () => void {
    return this.#routes.add(path, handler)
  }

  /** Loads the certificates again. @returns what was loaded; undefined without certificates. */
  async refresh(): Promise<string | undefined> {
    return this.#contexts?.refresh()
  }

  /** Stops to listen. Answers under way get `drainMs`, then every connection is closed. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#contexts?.stop()
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeIdleConnections()
    const timer = setTimeout(() => this.#closeAll(), this.#config.drainMs)
    await closed
    clearTimeout(timer)
    // Connections to an address that it has left.
    for (const socket of this.#connections) socket.destroy()
  }

  #attach(server: NodeServer): void {
    server.on('connection', (socket) => this.#connected(socket))
    server.on('drop', () => this.#countRefused('connections'))
    server.on('request', (incoming, outgoing) => void this.#serve(incoming, outgoing))
    server.on('error', (error) => {
      this.#log.error({ err: error }, 'A connection of the HTTP server could not be accepted')
    })
  }

  #logAddress(): void {
    const { address, isLocal } = this
    const secure = this.#contexts !== undefined
    this.#log.info({ address, secure }, `HTTP server listening on ${address}`)
    if (isLocal || secure) return
    this.#log.warn({ address }, `HTTP on ${address} is not encrypted, and tokens cross the network: set cert and key`)
  }

  #use(config: HttpServerConfig): () => void {
    const before = { config: this.#config, hosts: this.#hosts }
    const set = (to: typeof before): void => {
      this.#config = to.config
      this.#hosts = to.hosts
      this.#rates.configure(ratesOf(to.config))
      configure(this.#server, to.config)
    }
    set({ config, hosts: new AllowedHosts(config.hosts) })
    return () => set(before)
  }

  /** Serves at another address. @returns the server before. */
  #moveTo(server: NodeServer): NodeServer {
    const before = this.#server
    this.#server = server
    this.#bound = server.address() as AddressInfo
    if (server.listenerCount('request') === 0) {
      this.#attach(server)
      this.#logAddress()
    }
    return before
  }

  /** Connections whose TLS handshake is under way too, which `closeAllConnections` does not know. */
  #closeAll(): void {
    this.#server.closeAllConnections()
    for (const socket of this.#connections) socket.destroy()
  }

  #connected(socket: Socket): void {
    const key = addressKey(socket.remoteAddress ?? '')
    const others = this.#ofAddress.get(key) ?? 0
    const { maximumConnections, maximumConnectionsPerAddress = Math.ceil(maximumConnections / 2) } = this.#config
    if (others >= maximumConnectionsPerAddress) {
      this.#countRefused('address')
      socket.destroy()
      return
    }
    this.#connections.add(socket)
    this.#ofAddress.set(key, others + 1)
    socket.once('close', () => {
      this.#connections.delete(socket)
      const left = this.#ofAddress.get(key)! - 1
      if (left === 0) this.#ofAddress.delete(key)
      else this.#ofAddress.set(key, left)
    })
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const open: OpenRequest = { request: undefined }
    const controller = new AbortController()
    this.#open.add(open)
    outgoing.once('close', () => {
      this.#open.delete(open)
      if (!outgoing.writableFinished) controller.abort()
    })
    // The connection fails: `close` follows.
    outgoing.on('error', () => undefined)
    try {
      const response = await this.#answer(incoming, outgoing, open, controller.signal)
      if (response === undefined) return
      if (this.#stopping) outgoing.setHeader('Connection', 'close')
      this.counters.answered[Math.floor(response.status / 100)]! += 1
      await send(response, outgoing)
    } catch (error) {
      this.counters.failed += 1
      this.#log.error({ err: error, method: incoming.method }, 'An answer of the HTTP server failed')
      outgoing.destroy()
    }
  }

  /** The answer to a request; undefined if the client is gone. */
  async #answer(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    open: OpenRequest,
    signal: AbortSignal,
  ): Promise<Response | undefined> {
    const { maximumBodyBytes, maximumUrlLength } = this.#config
    const { host = '' } = incoming.headers
    if (this.#pipelined(incoming, outgoing))
      return this.#refuse(outgoing, 'pipelined', 429, 'Too many requests wait on this connection.')
    if (!this.#rates.take(addressKey(incoming.socket.remoteAddress ?? ''), performance.now())) {
      return this.#refuse(outgoing, 'rate', 429, 'Too many requests come from this address (requestRate).')
    }
    if (!this.#hosts.has(host)) return this.#refuse(outgoing, 'host', 421, UNKNOWN_HOST)
    if (incoming.url!.length > maximumUrlLength) return this.#refuse(outgoing, 'url', 414, 'The URL is too long.')
    const body = hasBody(incoming) ? await readBody(incoming, maximumBodyBytes) : undefined
    if (body === TOO_LARGE) {
      return this.#refuse(outgoing, 'body', 413, `The body has more than ${maximumBodyBytes} bytes (maximumBodyBytes).`)
    }
    if (body === undefined && hasBody(incoming)) return undefined
    try {
      open.request = toRequest(incoming, `${this.scheme}://${host}`, body, signal)
    } catch {
      return this.#refuse(outgoing, 'malformed', 400, 'The method or the URL of the request is not valid.')
    }
    return this.#handle(open.request, this.#peerOf(incoming.socket))
  }

  async #handle(request: Request, peer: Peer): Promise<Response> {
    const { pathname } = new URL(request.url)
    const handler = this.#routes.find(pathname)
    if (handler === undefined) return failure(404, 'There is no such page.')
    try {
      return await handler(request, peer)
    } catch (error) {
      this.counters.failed += 1
      this.#log.error({ err: error, method: request.method, path: pathname }, 'A request could not be answered')
      return failure(500, 'The request could not be answered. The log of the broker has the error.')
    }
  }

  /** Counts a request of a connection. @returns whether too many wait for their answers. */
  #pipelined({ socket }: IncomingMessage, outgoing: ServerResponse): boolean {
    const waiting = this.#pipelinedOf.get(socket) ?? this.#firstOf(socket)
    waiting.add(outgoing)
    outgoing.once('close', () => waiting.delete(outgoing))
    return waiting.size > MAXIMUM_PIPELINED
  }

  /** Node closes only the answer whose turn it is when a connection closes. Those behind it would be kept for ever. */
  #firstOf(socket: Socket): Set<ServerResponse> {
    const waiting = new Set<ServerResponse>()
    this.#pipelinedOf.set(socket, waiting)
    socket.once('close', () => {
      for (const outgoing of [...waiting]) {
        outgoing.destroy()
        outgoing.emit('close')
      }
    })
    return waiting
  }

  #peerOf({ remoteAddress = '', remotePort = 0 }: Socket): Peer {
    const address = remoteAddress.startsWith('::ffff:') ? remoteAddress.slice('::ffff:'.length) : remoteAddress
    return {
      address,
      port: remotePort,
      listener: this.#name,
      transport: this.scheme,
    }
  }

  /** Answers a request that no component gets. The rest of the request is not awaited. */
  #refuse(outgoing: ServerResponse, reason: RefusalReason, status: number, error: string): Response {
    this.#countRefused(reason)
    outgoing.setHeader('Connection', 'close')
    return failure(status, error)
  }

  #countRefused(reason: RefusalReason): void {
    this.counters.refused[reason] += 1
    if (!this.#refusalLog.begin()) return
    const { refused } = this.counters
    this.#log.warn(
      { reason, refused: refused[reason] },
      `HTTP request refused: ${REFUSALS[reason]}. Further ones in this minute are not logged`,
    )
  }
}

const REFUSALS: Readonly<Record<RefusalReason, string>> = {
  connections: 'too many connections (maximumConnections)',
  address: 'its address has too many connections (maximumConnectionsPerAddress)',
  rate: 'its address sends too many (requestRate)',
  host: 'its Host header names another host (hosts)',
  url: 'its URL is too long (maximumUrlLength)',
  body: 'its body is too large (maximumBodyBytes)',
  malformed: 'its method or URL is not valid',
  pipelined: `more than ${MAXIMUM_PIPELINED} requests wait on its connection`,
}

const UNKNOWN_HOST =
  'The Host header names a host that is not known here. Use the IP address or localhost, or add the name to hosts in the config of the HTTP server.'

const failure = (status: number, error: string): Response => jsonResponse({ error }, { status })

const hasBody = ({ method, headers }: IncomingMessage): boolean =>
  method !== 'GET' &&
  method !== 'HEAD' &&
  (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined)

const ratesOf = ({ requestRate: rate, requestBurst: burst }: HttpServerConfig): AddressRateLimits => ({
  rate,
  burst,
  maximumAddresses: MAXIMUM_ADDRESSES,
})
