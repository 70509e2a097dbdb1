import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { pickListenerOptions } from '../../src/kinds/listener-options.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { Peer } from '../../src/kinds/peer.ts'
import { type HandshakeCounters, Handshakes } from '../../src/network/handshakes.ts'
import type { KeptListening } from '../../src/network/listening.ts'
import { type ProxyCounters, ProxyProtocol } from '../../src/network/proxy-protocol.ts'
import { SocketTransport } from '../../src/network/socket-transport.ts'
import { listenAddress } from '../../src/network/tcp-options.ts'
import type { TlsContexts } from '../../src/network/tls/tls-contexts.ts'
import { type WebSocketConfig, withPort } from './config.ts'
import { SecureSockets } from './secure-sockets.ts'
import { type RequestCounters, Upgrades, type UpgradeUser } from './upgrades.ts'
import { WebSocketStream } from './web-socket-stream.ts'

/** Connections over WebSocket: PROXY header and TLS, if the config says so, then HTTP request, then MQTT in binary frames. */
export class WebSocketListener extends SocketTransport implements UpgradeUser {
  /** Undefined without TLS. */
  readonly secure: SecureSockets | undefined
  readonly #proxies: ProxyProtocol | undefined
  readonly #handshakes: Handshakes
  readonly #upgrades: Upgrades

  /**
   * @param kept what listens already.
   * @param contexts the certificates; undefined without TLS. The listener stops their watch when it is closed or handed over.
   * @param log that of the component.
   */
  constructor(
    kept: KeptListening,
    contexts: TlsContexts | undefined,
    config: WebSocketConfig,
    name: string,
    log: Logger,
  ) {
    super(kept, {
      name,
      transport: contexts === undefined ? 'ws' : 'wss',
      adoptable: false,
      address: listenAddress(withPort(config)),
      options: pickListenerOptions(config),
      tcpKeepAliveMs: config.tcpKeepAliveMs,
      log,
    })
    this.#proxies = config.proxyProtocol && new ProxyProtocol(config.proxyProtocol, log)
    this.#handshakes = new Handshakes(config, log)
    this.#upgrades = new Upgrades(config, contexts !== undefined, this, log)
    this.secure =
      contexts &&
      new SecureSockets(contexts, config.tls!, config, log, (socket, peer) => this.#beginRequest(socket, peer))
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

  mayUpgrade(peer: Peer): boolean {
    return this.admits(peer)
  }

  upgraded(socket: Duplex, head: Buffer, peer: Peer): void {
    this.ready(new WebSocketStream(socket, head), peer)
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
