import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { pickListenerOptions } from '../../src/kinds/listener-options.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { Peer } from '../../src/kinds/peer.ts'
import { change } from '../../src/network/adjustments.ts'
import { type HandshakeCounters, Handshakes, type HandshakesState } from '../../src/network/handshakes.ts'
import type { KeptListening } from '../../src/network/listening.ts'
import {
  type ProxyCounters,
  type ProxyProtocol,
  type ProxyState,
  withProxyConfig,
} from '../../src/network/proxy-protocol.ts'
import { SocketTransport, type SocketTransportSettings } from '../../src/network/socket-transport.ts'
import { listenAddress, listenOn } from '../../src/network/tcp-options.ts'
import type { TlsContexts } from '../../src/network/tls/tls-contexts.ts'
import type { Adjustment } from '../../src/system/define-system.ts'
import { type WebSocketConfig, withPort } from './config.ts'
import { SecureSockets, type SecureState } from './secure-sockets.ts'
import { type RequestCounters, Upgrades, type UpgradeUser } from './upgrades.ts'
import { WebSocketStream } from './web-socket-stream.ts'

/** What a successor shares. */
interface WebSocketParts {
  readonly proxies: ProxyState | undefined
  readonly handshakes: HandshakesState
  readonly refused: RequestCounters
  /** Undefined without TLS. */
  readonly secure: SecureState | undefined
}

/** Connections over WebSocket: first the PROXY header and TLS if configured, then the HTTP request, then MQTT in binary frames. */
export class WebSocketListener extends SocketTransport<WebSocketParts> implements UpgradeUser {
  /** Undefined without TLS. */
  readonly secure: SecureSockets | undefined
  #config: WebSocketConfig
  #proxies: ProxyProtocol | undefined
  readonly #handshakes: Handshakes
  readonly #upgrades: Upgrades

  /**
   * @param kept what listens already; undefined for a successor.
   * @param contexts the certificates; undefined without TLS. The listener stops their watch when it is closed or handed over.
   * @param log that of the component.
   */
  constructor(
    kept: KeptListening | undefined,
    contexts: TlsContexts | undefined,
    config: WebSocketConfig,
    name: string,
    log: Logger,
  ) {
    super(kept, {
      name,
      transport: contexts === undefined ? 'ws' : 'wss',
      adoptable: false,
      ...settingsOf(config),
      log,
    })
    this.#config = config
    this.#proxies = withProxyConfig(undefined, config.proxyProtocol, this.log)
    this.#handshakes = new Handshakes(config, this.log)
    this.#upgrades = new Upgrades(config, contexts !== undefined, this, this.log)
    this.secure =
      contexts &&
      new SecureSockets(contexts, config.tls!, config, this.log, (socket, peer) => this.#beginRequest(socket, peer))
  }

  /** Undefined if no PROXY header is expected. */
  get proxies(): ProxyCounters | undefined {
    return this.#proxies?.counters
  }

  /** Connections that are to become a WebSocket. */
  get upgrades(): Readonly<HandshakeCounters> {
    return this.#handshakes.counters
  }

  get refusedRequests(): Readonly<RequestCounters> {
    return this.#upgrades.refused
  }

  /** Loads the certificates again. @returns what was loaded; undefined without TLS. @throws when they cannot be loaded. */
  async refresh(): Promise<string | undefined> {
    return this.secure?.contexts.refresh()
  }

  /**
   * Prepares the change to another config, or to other contents of the files that it names. Connections stay as they are.
   * @param signal that of the adjustment.
   * @throws Error if it is to have TLS and had none, or the other way round.
   */
  async adjust(config: WebSocketConfig, log: Logger, signal: AbortSignal): Promise<Adjustment> {
    checkTls(config.tls, this.secure)
    const certificates = config.tls && (await this.secure!.contexts.prepare(config.tls))
    return this.prepare({
      settings: settingsOf(config),
      log,
      steps: [...(certificates === undefined ? [] : [certificates]), change(() => this.#use(config))],
      listenAt: () => listenOn(withPort(config), signal),
    })
  }

  #use(config: WebSocketConfig): () => void {
    const before = { config: this.#config, proxies: this.#proxies }
    const undo = config.tls && this.secure?.use(config.tls, config)
    const set = (to: WebSocketConfig): void => {
      this.#config = to
      this.#handshakes.configure(to)
      this.#upgrades.configure(to)
    }
    set(config)
    this.#proxies = withProxyConfig(before.proxies, config.proxyProtocol, this.log)
    return () => {
      set(before.config)
      this.#proxies = before.proxies && withProxyConfig(before.proxies, before.config.proxyProtocol, this.log)
      undo?.()
    }
  }

  protected override giveParts(): WebSocketParts {
    return {
      proxies: this.#proxies?.handOver(),
      handshakes: this.#handshakes.handOver(),
      refused: this.#upgrades.refused,
      secure: this.secure?.handOver(),
    }
  }

  protected override checkParts({ secure }: WebSocketParts): void {
    checkTls(this.secure, secure)
  }

  protected override takeParts({ proxies, handshakes, refused, secure }: WebSocketParts): () => void {
    if (proxies !== undefined) this.#proxies?.continueFrom(proxies)
    this.#handshakes.continueFrom(handshakes)
    this.#upgrades.refused = refused
    if (secure !== undefined) this.secure?.continueFrom(secure)
    return () => undefined
  }

  /** Its revocation list may be another one. */
  protected override applied(): void {
    this.secure?.acceptor.endRevoked()
  }

  protected override listenAnew(): Promise<KeptListening> {
    return listenOn(withPort(this.#config))
  }

  /** Handshakes under way end with the certificates that they began with. */
  override retire(): void {
    this.secure?.contexts.stop()
  }

  mayUpgrade(peer: Peer): boolean {
    return this.admits(peer)
  }

  upgraded(socket: Duplex, head: Buffer, peer: Peer): void {
    this.ready(new WebSocketStream(socket, head, this.#config.packetsPerFrame === 'one'), peer)
  }

  protected override begin(socket: Socket, peer: Peer): void {
    if (this.#proxies === undefined) this.#beginClient(socket, peer)
    else this.#proxies.read(socket, peer, (client) => this.#beginClient(socket, client))
  }

  protected override abandonHandshakes(): void {
    this.#proxies?.stop()
    this.secure?.stop()
    this.#handshakes.stop()
  }

  #beginClient(socket: Socket, peer: Peer): void {
    // Behind an HTTP proxy the client is known when the request has come.
    if (!this.#upgrades.isProxy(peer.address) && !this.admits(peer)) socket.destroy()
    else if (this.secure === undefined) this.#beginRequest(socket, peer)
    else this.secure.begin(socket, peer)
  }

  #beginRequest(socket: Duplex, peer: Peer): void {
    const handshake = this.#handshakes.begin(socket, peer)
    if (handshake !== undefined) this.#upgrades.read(handshake)
  }
}

/** @throws Error if one side has TLS and the other has none. */
const checkTls = (one: object | undefined, other: object | undefined): void => {
  if ((one === undefined) !== (other === undefined)) throw new Error('tls was added or removed: its connections end')
}

const settingsOf = (config: WebSocketConfig): SocketTransportSettings => ({
  address: listenAddress(withPort(config)),
  options: pickListenerOptions(config),
  isBehindProxy: config.proxyProtocol !== undefined || config.trustedProxies.length > 0,
  tcpKeepAliveMs: config.tcpKeepAliveMs,
})
