import type { Socket } from 'node:net'
import { pickListenerOptions } from '../../src/kinds/listener-options.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { Peer } from '../../src/kinds/peer.ts'
import { type HandshakeCounters, Handshakes } from '../../src/network/handshakes.ts'
import type { KeptListening } from '../../src/network/listening.ts'
import { type ProxyCounters, ProxyProtocol } from '../../src/network/proxy-protocol.ts'
import { SocketTransport } from '../../src/network/socket-transport.ts'
import { listenAddress } from '../../src/network/tcp-options.ts'
import { TlsAcceptor } from '../../src/network/tls/tls-acceptor.ts'
import type { TlsContexts } from '../../src/network/tls/tls-contexts.ts'
import type { TlsConfig } from './config.ts'

/** Connections over TLS. */
export class TlsTransport extends SocketTransport {
  readonly contexts: TlsContexts
  readonly acceptor: TlsAcceptor
  readonly #proxies: ProxyProtocol | undefined
  readonly #handshakes: Handshakes

  /**
   * @param kept what listens already, in this generation of the code or in the one before, and the sockets that wait there.
   * @param contexts the certificates. The transport stops their watch when it is closed or handed over.
   * @param name that of the component.
   */
  constructor(kept: KeptListening, contexts: TlsContexts, config: TlsConfig, name: string, log: Logger) {
    const { tcpKeepAliveMs, applicationProtocols, proxyProtocol } = config
    super(kept, {
      name,
      transport: 'tls',
      adoptable: false,
      address: listenAddress(config),
      options: pickListenerOptions(config),
      isBehindProxy: proxyProtocol !== undefined,
      tcpKeepAliveMs,
      log,
    })
    this.contexts = contexts
    this.#proxies = proxyProtocol && new ProxyProtocol(proxyProtocol, log)
    this.#handshakes = new Handshakes(config, log)
    this.acceptor = new TlsAcceptor({
      config,
      contexts,
      handshakes: this.#handshakes,
      applicationProtocols,
      log,
      secured: (socket, peer) => this.ready(socket, peer),
    })
  }

  get handshakes(): Readonly<HandshakeCounters> {
    return this.#handshakes.counters
  }

  /** Undefined if no PROXY header is expected. */
  get proxies(): ProxyCounters | undefined {
    return this.#proxies?.counters
  }

  protected override begin(socket: Socket, peer: Peer): void {
    if (this.#proxies === undefined) this.#beginClient(socket, peer)
    else this.#proxies.read(socket, peer, (client) => this.#beginClient(socket, client))
  }

  #beginClient(socket: Socket, peer: Peer): void {
    if (this.admits(peer)) this.acceptor.begin(socket, peer)
    else socket.destroy()
  }

  protected override abandonHandshakes(): void {
    this.#proxies?.stop()
    this.contexts.stop()
    this.acceptor.stop()
  }
}
