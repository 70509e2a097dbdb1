import type { Socket } from 'node:net'
import { pickListenerOptions } from '../../src/kinds/listener-options.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { Peer } from '../../src/kinds/peer.ts'
import { change } from '../../src/network/adjustments.ts'
import type { KeptListening } from '../../src/network/listening.ts'
import {
  type ProxyCounters,
  type ProxyProtocol,
  type ProxyState,
  withProxyConfig,
} from '../../src/network/proxy-protocol.ts'
import { SocketTransport, type SocketTransportSettings } from '../../src/network/socket-transport.ts'
import { listenAddress, listenOn } from '../../src/network/tcp-options.ts'
import type { Adjustment } from '../../src/system/define-system.ts'
import type { TcpConfig } from './config.ts'

/** What a successor shares. */
interface TcpParts {
  readonly proxies: ProxyState | undefined
}

/** Connections over TCP, from the clients themselves or from proxies. */
export class TcpListener extends SocketTransport<TcpParts> {
  #config: TcpConfig
  #proxies: ProxyProtocol | undefined

  /** @param kept what listens already; undefined for a successor. @param log that of the component. */
  constructor(kept: KeptListening | undefined, config: TcpConfig, name: string, log: Logger) {
    super(kept, {
      name,
      transport: 'tcp',
      adoptable: true,
      ...settingsOf(config),
      log,
    })
    this.#config = config
    this.#proxies = withProxyConfig(undefined, config.proxyProtocol, this.log)
  }

  /** Prepares the change to another config. Connections stay. @param signal that of the adjustment. */
  adjust(config: TcpConfig, log: Logger, signal: AbortSignal): Promise<Adjustment> {
    return this.prepare({
      settings: settingsOf(config),
      log,
      steps: [change(() => this.#use(config))],
      listenAt: () => listenOn(config, signal),
    })
  }

  /** Undefined if clients connect without a proxy. */
  get proxies(): ProxyCounters | undefined {
    return this.#proxies?.counters
  }

  protected override giveParts(): TcpParts {
    return { proxies: this.#proxies?.handOver() }
  }

  protected override takeParts({ proxies }: TcpParts): () => void {
    if (proxies !== undefined) this.#proxies?.continueFrom(proxies)
    return () => undefined
  }

  protected override listenAnew(): Promise<KeptListening> {
    return listenOn(this.#config)
  }

  protected override begin(socket: Socket, peer: Peer): void {
    if (this.#proxies === undefined) this.ready(socket, peer)
    else this.#proxies.read(socket, peer, (client) => this.#proxied(socket, client))
  }

  protected override abandonHandshakes(): void {
    this.#proxies?.stop()
  }

  #use(config: TcpConfig): () => void {
    const before = { config: this.#config, proxies: this.#proxies }
    this.#config = config
    this.#proxies = withProxyConfig(before.proxies, config.proxyProtocol, this.log)
    return () => {
      this.#config = before.config
      this.#proxies = before.proxies && withProxyConfig(before.proxies, before.config.proxyProtocol, this.log)
    }
  }

  #proxied(socket: Socket, client: Peer): void {
    if (this.admits(client)) this.ready(socket, client)
    else socket.destroy()
  }
}

const settingsOf = (config: TcpConfig): SocketTransportSettings => ({
  address: listenAddress(config),
  options: pickListenerOptions(config),
  isBehindProxy: config.proxyProtocol !== undefined,
  tcpKeepAliveMs: config.tcpKeepAliveMs,
})
