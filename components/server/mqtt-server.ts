import { inspect } from 'node:util'
import type { Ban, ConnectionCounters, Listener, ListenerInfo } from '../../src/kinds/listener.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { Transport } from '../../src/kinds/transport.ts'
import type { KeptListening, ListeningHandover } from '../../src/network/listening.ts'
import type { banHandover } from './bans.ts'
import type { ServerConfig } from './config.ts'
import { Core } from './core.ts'
import type { Pipeline } from './pipeline.ts'
import { TcpTransport } from './tcp-transport.ts'

/** The core with its transports: TCP, which is its own, and those that other components provide. */
export class MqttServer implements Listener {
  readonly #core: Core
  readonly #tcp: TcpTransport
  readonly #transports: readonly Transport[]
  readonly #drainMs: number

  /**
   * @param kept what listens already, in this generation of the code or in the one before, and the sockets that wait there.
   * @param transports served after TCP, in this order.
   * @param bans those of the predecessor.
   */
  constructor(
    kept: KeptListening,
    transports: readonly Transport[],
    config: ServerConfig,
    pipeline: Pipeline,
    log: Logger,
    name: string,
    bans?: ReturnType<typeof banHandover.parse>['bans'],
  ) {
    this.#drainMs = config.drainMs
    this.#core = new Core(config, pipeline, log, bans)
    this.#tcp = new TcpTransport(
      kept,
      config,
      name,
      (handle) => this.#core.input.socketFor(handle),
      (error) => log.error({ err: error }, 'A connection could not be accepted'),
    )
    this.#transports = transports
  }

  /** Begins to serve. @throws if another server already serves a transport. Nothing is then left open. */
  async serve(): Promise<void> {
    const { host, port } = this.#tcp
    try {
      this.#core.serve(this.#tcp, { host, port })
      for (const transport of this.#transports) this.#core.serve(transport)
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  get host(): string {
    return this.#tcp.host
  }

  get port(): number {
    return this.#tcp.port
  }

  get connections(): number {
    return this.#core.connections
  }

  /** Bytes that wait for all peers. */
  get pendingBytes(): number {
    return this.#core.pendingBytes
  }

  get listeners(): readonly ListenerInfo[] {
    return this.#core.listeners
  }

  get counters(): Readonly<ConnectionCounters> {
    return this.#core.counters
  }

  get draining(): boolean {
    return this.#core.draining
  }

  /** How many addresses are banned, and how many have an open connection. */
  get addresses(): { readonly banned: number; readonly connected: number } {
    const { banCount: banned, connected } = this.#core.addresses
    return { banned, connected }
  }

  bans(): readonly Ban[] {
    return this.#core.addresses.bans()
  }

  ban(address: string, seconds: number): void {
    this.#core.addresses.ban(address, seconds)
  }

  unban(address: string): boolean {
    return this.#core.addresses.unban(address)
  }

  /** What the REPL prints: its properties have no fields that would show. */
  [inspect.custom](): object {
    const { host, port, connections, draining, listeners, counters } = this
    const shown = listeners.map(({ name, transport, address }) => `${name}: ${transport} ${address}`)
    return { host, port, connections, draining, listeners: shown, counters }
  }

  /** Stops listening, and ends every connection after `drainMs` at most. Resolves when the last socket is closed. */
  async stop(): Promise<void> {
    const closed = this.#core.stop('server stops', this.#drainMs)
    await Promise.all([this.#tcp.close(), closed])
  }

  /**
   * Closes every connection but continues to listen. Clients that connect from now on wait for the successor.
   * @returns the state for the successor.
   */
  async suspend(): Promise<ListeningHandover & ReturnType<typeof banHandover.parse>> {
    await this.#core.stop('server is being reset')
    return { ...this.#tcp.handOver(), ...this.#core.addresses.suspend() }
  }
}
