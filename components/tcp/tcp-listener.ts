import type { Socket } from 'node:net'
import { pickListenerOptions } from '../../src/kinds/listener-options.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { Peer } from '../../src/kinds/peer.ts'
import type { KeptListening } from '../../src/network/listening.ts'
import { type ProxyCounters, ProxyProtocol } from '../../src/network/proxy-protocol.ts'
import { SocketTransport } from '../../src/network/socket-transport.ts'
import { listenAddress } from '../../src/network/tcp-options.ts'
import type { TcpConfig } from './config.ts'

/** Connections over TCP, from the clients themselves or from proxies. */
export class TcpListener extends SocketTransport {
  readonly #proxies: ProxyProtocol | undefined

  /** @param kept what listens already. @param log that of the component. */
  constructor(kept: KeptListening, config: TcpConfig, name: string, log: Logger) {
    super(kept, {
      name,
      transport: 'tcp',
      adoptable: true,
      address: listenAddress(config),
      options: pickListenerOptions(config),
      isBehindProxy: config.proxyProtocol !== undefined,
      tcpKeepAliveMs: config.tcpKeepAliveMs,
      log,
    })
    this.#proxies = config.proxyProtocol && new ProxyProtocol(config.proxyProtocol, log)
  }

  /** Undefined if clients connect without a proxy. */
  get proxies(): ProxyCounters | undefined {
    return this.#proxies?.counters
  }

  protected override begin(socket: Socket, peer: Peer): void {
    if (this.#proxies === undefined) this.ready(socket, peer)
    else this.#proxies.read(socket, peer, (client) => this.#proxied(socket, client))
  }

  protected override abandonHandshakes(): void {
    this.#proxies?.stop()
  }

  #proxied(socket: Socket, client: Peer): void {
    if (this.admits(client)) this.ready(socket, client)
    else socket.destroy()
  }
}
