import type { Socket } from 'node:net'
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
import { TlsAcceptor, type TlsState } from '../../src/network/tls/tls-acceptor.ts'
import type { TlsContexts, TlsCounts } from '../../src/network/tls/tls-contexts.ts'
import type { Adjustment } from '../../src/system/define-system.ts'
import type { TlsConfig } from './config.ts'

/** What a successor shares. */
interface TlsParts {
  readonly proxies: ProxyState | undefined
  readonly handshakes: HandshakesState
  readonly tls: TlsState
  readonly contexts: TlsCounts
}

/** Connections over TLS. */
export class TlsTransport extends SocketTransport<TlsParts> {
  readonly contexts: TlsContexts
  readonly acceptor: TlsAcceptor
  #config: TlsConfig
  #proxies: ProxyProtocol | undefined
  readonly #handshakes: Handshakes

  /**
   * @param kept what listens already, in this generation of the code or in the one before, and the sockets that wait there.
   * Undefined for a successor.
   * @param contexts the certificates. The transport stops their watch when it is closed or handed over.
   * @param name that of the component.
   */
  constructor(kept: KeptListening | undefined, contexts: TlsContexts, config: TlsConfig, name: string, log: Logger) {
    super(kept, {
      name,
      transport: 'tls',
      adoptable: false,
      ...settingsOf(config),
      log,
    })
    this.#config = config
    this.contexts = contexts
    this.#proxies = withProxyConfig(undefined, config.proxyProtocol, this.log)
    this.#handshakes = new Handshakes(config, this.log)
    this.acceptor = new TlsAcceptor({
      config,
      contexts,
      handshakes: this.#handshakes,
      applicationProtocols: config.applicationProtocols,
      log: this.log,
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

  /**
   * Prepares the change to another config, or to other contents of the files that it names. Connections stay, with the certificate that
   * they began with.
   * @param signal that of the adjustment.
   */
  async adjust(config: TlsConfig, log: Logger, signal: AbortSignal): Promise<Adjustment> {
    return this.prepare({
      settings: settingsOf(config),
      log,
      steps: [await this.contexts.prepare(config), change(() => this.#use(config))],
      listenAt: () => listenOn(config, signal),
    })
  }

  #use(config: TlsConfig): () => void {
    const before = { config: this.#config, proxies: this.#proxies }
    this.#config = config
    this.#proxies = withProxyConfig(before.proxies, config.proxyProtocol, this.log)
    this.#handshakes.configure(config)
    const undo = this.acceptor.use({ config, applicationProtocols: config.applicationProtocols })
    return () => {
      this.#config = before.config
      this.#proxies = before.proxies && withProxyConfig(before.proxies, before.config.proxyProtocol, this.log)
      this.#handshakes.configure(before.config)
      undo()
    }
  }

  protected override giveParts(): TlsParts {
    return {
      proxies: this.#proxies?.handOver(),
      handshakes: this.#handshakes.handOver(),
      tls: this.acceptor.handOver(),
      contexts: this.contexts.counts(),
    }
  }

  protected override takeParts({ proxies, handshakes, tls, contexts }: TlsParts): () => void {
    if (proxies !== undefined) this.#proxies?.continueFrom(proxies)
    this.#handshakes.continueFrom(handshakes)
    this.acceptor.continueFrom(tls)
    this.contexts.continueFrom(contexts)
    return () => undefined
  }

  /** Its revocation list may be another one. */
  protected override applied(): void {
    this.acceptor.endRevoked()
  }

  protected override listenAnew(): Promise<KeptListening> {
    return listenOn(this.#config)
  }

  /** Handshakes under way end with the certificates that they began with. */
  override retire(): void {
    this.contexts.stop()
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

const settingsOf = (config: TlsConfig): SocketTransportSettings => ({
  address: listenAddress(config),
  options: pickListenerOptions(config),
  isBehindProxy: config.proxyProtocol !== undefined,
  tcpKeepAliveMs: config.tcpKeepAliveMs,
})
