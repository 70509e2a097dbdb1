import type { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import type { Logger } from '../../kinds/logger.ts'
import { describePeer, type Peer } from '../../kinds/peer.ts'
import type { Handshake, HandshakeFailure, Handshakes } from '../handshakes.ts'
import { PacedTurns } from '../paced-turns.ts'
import { certificateKey } from './revoked-certificates.ts'
import type { TlsOptions } from './tls-config.ts'
import type { TlsContexts } from './tls-contexts.ts'
import { tlsPeer } from './tls-peer.ts'

/** What an adjustment may change. */
export interface TlsAcceptorSettings {
  readonly config: TlsOptions
  /** Protocols that are offered by ALPN. A client that offers others only is refused. Empty: ALPN is not used. */
  readonly applicationProtocols: readonly string[]
}

export interface TlsAcceptorOptions extends TlsAcceptorSettings {
  readonly contexts: TlsContexts
  readonly handshakes: Handshakes
  readonly log: Logger
  /** Takes a connection whose handshake has succeeded, with `tls` in its peer. Nothing was read from it. */
  secured(socket: TLSSocket, peer: Peer): void
}

/** The first byte of every TLS connection: the type of a record with a handshake message (RFC 8446, 5.1). */
const HANDSHAKE_RECORD = 0x16

/**
 * Makes TLS connections of accepted sockets. A handshake costs processor time from its first message on, so it begins when bytes have
 * arrived, and only so many begin in a turn of the event loop.
 */
export class TlsAcceptor {
  #state: TlsState = { revokedClients: 0, revocable: new Map() }
  readonly #options: TlsAcceptorOptions
  #settings: TlsAcceptorSettings
  #server: Server
  readonly #turns: PacedTurns
  /** Handshakes that TLS works on, by the addresses of both ends: Node does not say which socket a TLSSocket was made of. */
  readonly #underWay = new Map<string, Handshake>()

  constructor(options: TlsAcceptorOptions) {
    this.#options = options
    this.#settings = options
    this.#turns = new PacedTurns(options.config.handshakesPerTurn)
    this.#server = this.#createServer()
    options.contexts.onReload(() => this.#reloaded())
  }

  /** Connected clients that were disconnected because a new revocation list names their certificate. */
  get revokedClients(): number {
    return this.#state.revokedClients
  }

  handOver(): TlsState {
    return this.#state
  }

  /** Continues for another object. Handshakes that have begun there end there. */
  continueFrom(state: TlsState): void {
    this.#state = state
  }

  /** Changes the settings, after the contexts were. Handshakes under way end by the new rules. @returns goes back. */
  use(settings: TlsAcceptorSettings): () => void {
    const before = { settings: this.#settings, server: this.#server }
    this.#settings = settings
    this.#turns.perTurn = settings.config.handshakesPerTurn
    this.#server = this.#createServer()
    return () => {
      this.#settings = before.settings
      this.#turns.perTurn = before.settings.config.handshakesPerTurn
      this.#server = before.server
    }
  }

  #createServer(): Server {
    const { config, applicationProtocols } = this.#settings
    const { contexts } = this.#options
    const server = createServer({
      ...contexts.current.certificates[0].options,
      requestCert: config.clientCertificates !== 'none',
      // `#refusal` decides, so that the reason is known.
      rejectUnauthorized: false,
      // The deadline of `Handshakes` is in force: that of Node is a limit of silence.
      handshakeTimeout: 0x7fffffff,
      ...(applicationProtocols.length > 0 && { ALPNProtocols: [...applicationProtocols] }),
      ...(config.certificates.length > 0 && {
        SNICallback: (name: string, found: (error: null, context?: ReturnType<TlsContexts['contextFor']>) => void) =>
          found(null, contexts.contextFor(name)),
      }),
    })
    server.on('secureConnection', (socket) => this.#finished(socket))
    server.on('tlsClientError', (error, socket) => this.#failed(error, socket))
    return server
  }

  /** Takes a socket of which TLS has read nothing. It is refused, counted and logged if too many handshakes are under way. */
  begin(socket: Socket, peer: Peer): void {
    const handshake = this.#options.handshakes.begin(socket, peer)
    if (handshake === undefined) return
    const arrived = (): void => this.#turns.add(() => this.#start(handshake, socket))
    if (socket.readableLength > 0) arrived()
    else socket.once('readable', arrived)
  }

  /** Ends the handshakes under way. */
  stop(): void {
    this.#turns.stop()
    this.#options.handshakes.stop()
  }

  #start(handshake: Handshake, socket: Socket): void {
    if (handshake.isOver) return
    const first = socket.read(1) as Buffer | null
    const key = addressesOf(socket)
    if (first === null || key === undefined) {
      handshake.fail('closed', 'the peer closed the connection')
      return
    }
    const [byte = 0] = first
    if (byte !== HANDSHAKE_RECORD) {
      const found = byte.toString(16).padStart(2, '0')
      handshake.fail('protocol', `the client does not use TLS: its first byte is 0x${found}`)
      return
    }
    socket.unshift(first)
    // The TLSSocket takes this over. A client that closes its side during the handshake is gone; after it, it still gets answers.
    socket.allowHalfOpen = false
    this.#underWay.set(key, handshake)
    socket.once('close', () => {
      if (this.#underWay.get(key) === handshake) this.#underWay.delete(key)
    })
    this.#server.emit('connection', socket)
  }

  #finished(socket: TLSSocket): void {
    // Until the server has it.
    socket.on('error', () => socket.destroy())
    const handshake = this.#take(socket)
    if (handshake === undefined) {
      socket.destroy()
      return
    }
    const certificate = socket.getPeerX509Certificate()
    const refusal = this.#refusal(socket, certificate)
    if (refusal !== undefined) {
      handshake.fail('certificate', refusal)
      return
    }
    if (!handshake.succeed()) return
    socket.allowHalfOpen = true
    // MQTT needs no second handshake, and each costs as much as the first.
    socket.disableRenegotiation()
    if (certificate !== undefined) this.#noteRevocable(socket, certificate, handshake.peer)
    this.#options.secured(socket, { ...handshake.peer, tls: tlsPeer(socket.servername, certificate) })
  }

  /** Why a client is refused for its certificate; undefined if it is not. */
  #refusal(socket: TLSSocket, certificate: X509Certificate | undefined): string | undefined {
    const { clientCertificates } = this.#settings.config
    if (clientCertificates === 'none') return undefined
    if (certificate === undefined) {
      return clientCertificates === 'require' ? 'the client has no certificate, which is required' : undefined
    }
    const { subject } = tlsPeer(undefined, certificate)
    if (!socket.authorized)
      return `the certificate of the client (${subject}) is not valid: ${socket.authorizationError}`
    // In a session that was resumed, OpenSSL has checked nothing of this again.
    if (this.#isRevoked(certificate)) return `the certificate of the client (${subject}) is revoked`
    if (Date.parse(certificate.validTo) < Date.now()) return `the certificate of the client (${subject}) has expired`
    return undefined
  }

  #failed(error: NodeJS.ErrnoException, socket: TLSSocket): void {
    this.#take(socket)?.fail(failureOf(error), error.message)
    socket.destroy()
  }

  /** The handshake that a TLSSocket was made for; undefined if it has ended, or the peer was gone before. */
  #take(socket: TLSSocket): Handshake | undefined {
    const key = addressesOf(socket)
    const handshake = key === undefined ? undefined : this.#underWay.get(key)
    if (handshake !== undefined) this.#underWay.delete(key!)
    return handshake
  }

  #isRevoked(certificate: X509Certificate): boolean {
    const { revoked } = this.#options.contexts.current
    return revoked.size > 0 && revoked.has(certificateKey(certificate.raw))
  }

  #noteRevocable(socket: TLSSocket, certificate: X509Certificate, peer: Peer): void {
    if (this.#settings.config.crl === undefined) return
    const { revocable } = this.#state
    revocable.set(socket, { key: certificateKey(certificate.raw), peer })
    socket.once('close', () => revocable.delete(socket))
  }

  /** New handshakes use the new certificates. Connections stay, except those of clients that are revoked now. */
  #reloaded(): void {
    // No ticket keys are set, so each context makes new ones: no session outlives it.
    this.#server.setSecureContext(this.#options.contexts.current.certificates[0].options)
    // Not in this turn: a reset may still be undone in it.
    setImmediate(() => this.endRevoked())
  }

  /** Ends the connections of clients whose certificate is revoked now. */
  endRevoked(): void {
    const { revoked } = this.#options.contexts.current
    for (const [socket, { key, peer }] of this.#state.revocable) {
      if (!revoked.has(key)) continue
      const remote = describePeer(peer)
      this.#state.revokedClients += 1
      this.#options.log.warn({ remote }, `Client disconnected: its certificate was revoked (${remote})`)
      socket.destroy()
    }
  }
}

/** What a successor shares. */
export interface TlsState {
  revokedClients: number
  /** Connections of clients whose certificate may be revoked. */
  readonly revocable: Map<TLSSocket, Revocable>
}

interface Revocable {
  /** Names the certificate in a revocation list. */
  readonly key: string
  /** The client, also if it came by a proxy. */
  readonly peer: Peer
}

/** Both ends of a TCP connection, which no other open connection has. @returns undefined when the connection is closed. */
const addressesOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket): string | undefined =>
  remoteAddress === undefined ? undefined : `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`

const failureOf = ({ code = '' }: NodeJS.ErrnoException): HandshakeFailure => {
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'closed'
  // The client refuses the certificate of the server.
  return /ALERT.*(_CA|CERTIFICATE)/.test(code) ? 'certificate' : 'protocol'
}
