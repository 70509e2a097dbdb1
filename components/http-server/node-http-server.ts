import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { LogInterval } from '../../src/collections/log-interval.ts'
import type { HttpHandler, HttpServer } from '../../src/kinds/http-server.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { Peer } from '../../src/kinds/peer.ts'
import { addressKey } from '../../src/network/address-key.ts'
import { AddressRates } from '../../src/network/address-rates.ts'
import { formatAddress } from '../../src/network/format-address.ts'
import { isLoopback } from '../../src/network/loopback.ts'
import { TlsContexts } from '../../src/network/tls/tls-contexts.ts'
import { AllowedHosts } from './allowed-hosts.ts'
import type { HttpServerConfig } from './config.ts'
import { newHttpCounters, type RefusalReason } from './counters.ts'
import { readBody, send, TOO_LARGE, toRequest } from './exchange.ts'
import { Routes } from './routes.ts'

/** The largest headers of a request, in bytes. */
const MAXIMUM_HEADER_BYTES = 16 * 1024
/** Requests of one connection that are served at the same time. Browsers and fetch send one after the other. */
const MAXIMUM_PIPELINED = 8
/** Addresses whose requests are counted. */
const MAXIMUM_ADDRESSES = 10_000
/** The interval at which deadlines are looked at, in milliseconds. */
const DEADLINE_INTERVAL_MS = 1_000
/** One line of the log in this time says that requests are refused. */
const LOG_INTERVAL_MS = 60_000

/** A request whose answer is not complete. */
interface OpenRequest {
  /** Kept, since the signal of a Request that nothing refers to is never aborted. */
  request: Request | undefined
}

/** Serves HTTP with node:http, or HTTPS. */
export class NodeHttpServer implements HttpServer {
  readonly isLocal: boolean
  readonly address: string
  readonly scheme: 'http' | 'https'
  readonly port: number
  readonly counters = newHttpCounters()
  readonly #config: HttpServerConfig
  readonly #name: string
  readonly #log: Logger
  readonly #server: Server | SecureServer
  readonly #contexts: TlsContexts | undefined
  readonly #hosts: AllowedHosts
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
    server: Server | SecureServer,
    contexts: TlsContexts | undefined,
    name: string,
    log: Logger,
  ) {
    const { address, port } = server.address() as AddressInfo
    this.#config = config
    this.#server = server
    this.#contexts = contexts
    this.scheme = contexts === undefined ? 'http' : 'https'
    this.#name = name
    this.#log = log
    this.#hosts = new AllowedHosts(config.hosts)
    const { requestRate: rate, requestBurst: burst } = config
    this.#rates = new AddressRates({ rate, burst, maximumAddresses: MAXIMUM_ADDRESSES })
    this.isLocal = isLoopback(address)
    this.address = formatAddress(address, port)
    this.port = port
    server.on('connection', (socket) => this.#connected(socket))
    server.on('drop', () => this.#countRefused('connections'))
    server.on('request', (incoming, outgoing) => void this.#serve(incoming, outgoing))
    server.on('error', (error) => log.error({ err: error }, 'A connection of the HTTP server could not be accepted'))
    if (contexts !== undefined) {
      contexts.onReload(({ certificates }) => (server as SecureServer).setSecureContext(certificates[0].options))
    }
  }

  /**
   * Begins to listen.
   * @throws an Error if other machines would reach it and the config does not allow that, and the operating system's error.
   */
  static async open(config: HttpServerConfig, name: string, log: Logger): Promise<NodeHttpServer> {
    const { address } = await lookup(config.host)
    if (!isLoopback(address) && !config.allowRemote) throw new Error(openToAll(name, config.host))
    const contexts = await openContexts(config, log)
    const server = createNodeServer(config, contexts)
    try {
      server.listen({ host: address, port: config.port })
      await once(server, 'listening')
    } catch (error) {
      contexts?.stop()
      throw error
    }
    const opened = new NodeHttpServer(config, server, contexts, name, log)
    log.info({ address: opened.address, secure: contexts !== undefined }, `HTTP server listening on ${opened.address}`)
    if (!opened.isLocal && contexts === undefined) {
      log.warn(
        { address: opened.address },
        `HTTP on ${opened.address} is not encrypted, and tokens cross the network: set cert and key`,
      )
    }
    return opened
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

const failure = (status: number, error: string): Response => Response.json({ error }, { status })

const hasBody = ({ method, headers }: IncomingMessage): boolean =>
  method !== 'GET' &&
  method !== 'HEAD' &&
  (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined)

const openToAll = (name: string, host: string): string =>
  `${name} is not opened on ${host}: other machines reach this address, and the admin API and the metrics would be open to them. Listen on ` +
  `127.0.0.1 and use an SSH tunnel or a proxy with TLS, or set allowRemote: true in the config of ${name}, with cert and key.`

const openContexts = async (config: HttpServerConfig, log: Logger): Promise<TlsContexts | undefined> => {
  const { cert, key, passphrase, minimumVersion, ciphers, reloadIntervalMs } = config
  if (cert === undefined || key === undefined) return undefined
  const unused = { certificates: [], clientCertificates: 'none' as const, handshakesPerTurn: 1 }
  return TlsContexts.open({ cert, key, passphrase, minimumVersion, ciphers, reloadIntervalMs, ...unused }, log)
}

const createNodeServer = (config: HttpServerConfig, contexts: TlsContexts | undefined): Server | SecureServer => {
  const { headersDeadlineMs, requestDeadlineMs, idleDeadlineMs, maximumConnections } = config
  const options = {
    headersTimeout: Math.min(headersDeadlineMs, requestDeadlineMs),
    requestTimeout: requestDeadlineMs,
    keepAliveTimeout: Math.min(5_000, idleDeadlineMs),
    connectionsCheckingInterval: Math.min(DEADLINE_INTERVAL_MS, headersDeadlineMs, requestDeadlineMs),
    maxHeaderSize: MAXIMUM_HEADER_BYTES,
    noDelay: true,
  }
  const server =
    contexts === undefined
      ? createServer(options)
      : createSecureServer({
          ...options,
          ...contexts.current.certificates[0].options,
          handshakeTimeout: headersDeadlineMs,
        })
  server.maxConnections = maximumConnections
  server.timeout = idleDeadlineMs
  return server
}
