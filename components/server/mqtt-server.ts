import { inspect } from 'node:util'
import type { Ban, ConnectionCounters, Listener, ListenerInfo } from '../../src/kinds/listener.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import { ReplaceableLogger } from '../../src/kinds/replaceable-logger.ts'
import type { Transport } from '../../src/kinds/transport.ts'
import { change, follow, inSequence, NO_ADJUSTMENT } from '../../src/network/adjustments.ts'
import type { KeptListening, ListeningHandover } from '../../src/network/listening.ts'
import { moveListener } from '../../src/network/listening-move.ts'
import type { Adjustment } from '../../src/system/define-system.ts'
import type { banHandover } from './bans.ts'
import type { ServerConfig } from './config.ts'
import { Core } from './core.ts'
import type { ServerRecord } from './core-record.ts'
import type { Pipeline } from './pipeline.ts'
import { planReopening } from './reopening.ts'
import { planContinuation, reopen } from './reopening-adjustment.ts'
import { isInPlaceOf } from './taken-listeners.ts'
import { TcpTransport, whereOf } from './tcp-transport.ts'

/** The core with its transports: TCP, which is its own, and those that other components provide. */
export class MqttServer implements Listener {
  readonly #core: Core
  readonly #tcp: TcpTransport
  readonly #log: ReplaceableLogger
  #transports: readonly Transport[]
  #config: ServerConfig
  /** To the address of the config, for a successor whose predecessor listens elsewhere. */
  #move: Adjustment = NO_ADJUSTMENT
  /** Resolves when it has left the address of its predecessor. */
  #moved: Promise<void> = Promise.resolve()

  /**
   * @param kept what listens already, in this generation of the code or in the one before, and the sockets that wait there. Undefined for
   * a successor, which is passive until `continueFrom`.
   * @param transports served after TCP, in this order.
   * @param bans those of the predecessor.
   */
  constructor(
    kept: KeptListening | undefined,
    transports: readonly Transport[],
    config: ServerConfig,
    pipeline: Pipeline,
    log: Logger,
    name: string,
    bans?: ReturnType<typeof banHandover.parse>['bans'],
  ) {
    this.#config = config
    this.#log = new ReplaceableLogger(log)
    this.#core = new Core(config, pipeline, this.#log, bans)
    this.#tcp = new TcpTransport(
      kept,
      config,
      name,
      (handle) => this.#core.input.socketFor(handle),
      (error) => this.#log.error({ err: error }, 'A connection could not be accepted'),
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

  /** Connections open now, by the name of the component that accepted them. */
  get openConnections(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.listeners.map(({ name, connections }) => [name, connections]))
  }

  get counters(): Readonly<ConnectionCounters> {
    return this.#core.counters
  }

  /** The state for a successor. Changes nothing. */
  handOver(): ServerRecord {
    return { core: this.#core.handOver(), tcp: this.#tcp.give() }
  }

  /**
   * Prepares to continue from a state: binds its address, if that is another one.
   * @throws Error with the reason why the connections cannot continue with its stages.
   */
  async rehearse({ core, tcp }: ServerRecord): Promise<void> {
    planContinuation(core, this.#core.pipeline)
    this.#tcp.foresee(tcp)
    this.#move = await this.#moveTo(this.#config)
  }

  /** Gives up what `rehearse` has prepared. */
  async discard(): Promise<void> {
    await this.#move.discard?.()
  }

  /** Serves in place of another server, between two turns of the event loop. @returns takes it back. @throws after it has done so. */
  continueFrom({ core, tcp }: ServerRecord): () => void {
    const begun: (() => void)[] = []
    const undo = (): void => undoAll(begun)
    try {
      begun.push(this.#tcp.continueFrom(tcp))
      begun.push(() => this.#move.undo())
      this.#move.commit()
      this.#core.continueFrom(core, [this.#tcp, ...this.#transports], (step) => begun.push(step))
    } catch (error) {
      undo()
      throw error
    }
    this.#moved = new Promise((resolve) => {
      setImmediate(() => resolve(this.#core.acts ? this.#applied() : undefined))
    })
    return undo
  }

  async #applied(): Promise<void> {
    try {
      await this.#move.done?.()
    } catch (error) {
      this.#log.error({ err: error }, 'The listener could not leave its address from before')
    }
  }

  /** Another server serves for good. */
  retire(): void {
    this.#core.retire()
  }

  /** Connections that are open. */
  get open(): number {
    return this.#core.open
  }

  settle(): void {
    this.#core.settle()
  }

  /** Checks who may connect to each listener. @throws Error if one would be open to a network by mistake. */
  check(): void {
    this.#core.check()
  }

  /**
   * Prepares the change to another config and other neighbours. All connections stay, except those of transports that are not there any
   * more.
   * @throws Error with the reason why the connections cannot continue with these stages.
   */
  async adjust(
    config: ServerConfig,
    pipeline: Pipeline,
    transports: readonly Transport[],
    log: Logger,
  ): Promise<Adjustment> {
    const plan = planReopening(this.#core.pipeline, pipeline)
    const reopening = reopen(this.#core, plan)
    return inSequence(
      follow(this.#log, log),
      change(() => this.#configure(config)),
      await this.#moveTo(config),
      reopening,
      this.#changeTransports(transports),
      // The handler has its new config by now.
      change(() => {
        this.#core.check()
        return () => undefined
      }),
    )
  }

  #moveTo(config: ServerConfig): Promise<Adjustment> {
    return moveListener(this.#tcp, whereOf(config), { log: this.#log, check: () => this.#core.check() })
  }

  #configure(config: ServerConfig): () => void {
    const before = this.#config
    const use = (to: ServerConfig): void => {
      this.#config = to
      this.#core.configure(to)
      this.#tcp.configure(to)
    }
    use(config)
    return () => use(before)
  }

  #changeTransports(transports: readonly Transport[]): Adjustment {
    const before = this.#transports
    const undo: (() => void)[] = []
    const gone: Transport[] = []
    return {
      commit: () => {
        const successors = new Map<Transport, Transport>()
        for (const old of before) {
          const successor = transports.find((each) => isInPlaceOf(each, old))
          if (successor === old) continue
          if (successor === undefined) {
            gone.push(old)
            undo.push(this.#core.unserve(old))
          } else {
            successors.set(successor, old)
            undo.push(this.#core.replace(old, successor))
          }
        }
        for (const transport of transports) {
          if (before.includes(transport) || successors.has(transport)) continue
          this.#core.serve(transport)
          undo.push(() => void this.#core.unserve(transport))
        }
        this.#transports = transports
      },
      undo: () => {
        for (const back of undo.splice(0).reverse()) back()
        this.#transports = before
      },
      done: async () => {
        await Promise.all(gone.map((transport) => this.#core.end(transport, 'its listener was removed')))
      },
    }
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
    const closed = this.#core.stop('server stops', this.#config.drainMs)
    // Before it has moved, it would listen again after that.
    await this.#moved
    await Promise.all([this.#tcp.close(), closed])
  }

  /**
   * Closes every connection but continues to listen. Clients that connect from now on wait for the successor.
   * @returns the state for the successor.
   */
  async suspend(): Promise<ListeningHandover & ReturnType<typeof banHandover.parse>> {
    await this.#core.stop('server is being reset')
    await this.#moved
    return { ...this.#tcp.handOver(), ...this.#core.addresses.suspend() }
  }
}

/** Undoes steps, the last first, all of them. @throws what they throw. */
const undoAll = (steps: (() => void)[]): void => {
  const failures: unknown[] = []
  for (const step of steps.splice(0).reverse()) {
    try {
      step()
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, 'The connections could not all go back.')
}
