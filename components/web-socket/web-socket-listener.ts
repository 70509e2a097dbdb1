import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Logger } from '../../src/kinds/logger.ts'
import type { Peer } from '../../src/kinds/peer.ts'
import { Handshakes } from '../../src/network/handshakes.ts'
import type { KeptListening } from '../../src/network/listening.ts'
import { type ProxyCounters, ProxyProtocol } from '../../src/network/proxy-protocol.ts'
import { SocketTransport } from '../../src/network/socket-transport.ts'
import { listenAddress } from '../../src/network/tcp-options.ts'
import type { WebSocketConfig } from './config.ts'
import { type RequestCounters, Upgrades, type UpgradeUser } from './upgrades.ts'
import { WebSocketStream } from './web-socket-stream.ts'

/** Connections over WebSocket: PROXY header, if the config says so, then HTTP request, then MQTT in binary frames. */
export class WebSocketListener extends SocketTransport implements UpgradeUser {
  readonly handshakes: Handshakes
  readonly #upgrades: Upgrades
  readonly #proxies: ProxyProtocol | undefined

  /** @param kept what listens already. @param log that of the component. */
  constructor(kept: KeptListening, config: WebSocketConfig, name: string, log: Logger) {
    super(kept, {
      name,
      transport: 'ws',
      adoptable: false,
      address: listenAddress(config),
      options: config,
      tcpKeepAliveMs: config.tcpKeepAliveMs,
      log,
    })
    this.handshakes = new Handshakes(config, log)
    this.#upgrades = new Upgrades(config, false, this, log)
    this.#proxies = config.proxyProtocol && new ProxyProtocol(config.proxyProtocol, log)
  }

  /** Undefined if no PROXY header is expected. */
  get proxies(): ProxyCounters | undefined {
    return this.#proxies?.counters
  }

  get refusedRequests(): Readonly<RequestCounters> {
    return this.#upgrades.refused
  }

  protected override begin(socket: Socket, peer: Peer): void {
    if (this.#proxies === undefined) this.#beginRequest(socket, peer)
    else this.#proxies.read(socket, peer, (client) => this.#beginRequest(socket, client))
  }

  protected override abandonHandshakes(): void {
    this.#proxies?.stop()
    this.handshakes.stop()
  }

  mayUpgrade(peer: Peer): boolean {
    return this.admits(peer)
  }

  upgraded(socket: Duplex, head: Buffer, peer: Peer): void {
    this.ready(new WebSocketStream(socket, head), peer)
  }

  #beginRequest(socket: Socket, peer: Peer): void {
    // Behind an HTTP proxy the client is known when the request has come.
    if (!this.#upgrades.isProxy(peer.address) && !this.admits(peer)) {
      socket.destroy()
      return
    }
    const handshake = this.handshakes.begin(socket, peer)
    if (handshake !== undefined) this.#upgrades.read(handshake)
  }
}
