import type { Authenticator } from '../../src/kinds/authenticator.ts'
import type { ClientBroker } from '../../src/kinds/client-broker.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { TurnQueue } from '../../src/kinds/turn-scheduler.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { AuthenticatorRecord, Authenticators } from './authenticators.ts'
import type { BrokerMove } from './broker-move.ts'
import type { Client } from './client.ts'
import { clientFields } from './client-log.ts'
import type { HandlerSeat, RevocationListener } from './handler-record.ts'
import { Phase } from './phase.ts'
import { refuse } from './refuse.ts'

/** The work of one step, in units; one client more may be ended. */
const STEP_UNITS = 500
/** The work of looking at a client, of asking its authenticator, and of ending its connection, in units. */
const LOOK_UNITS = 0.2
const ASK_UNITS = 5
const END_UNITS = 150

/** Looks through the clients of an authenticator that has revoked something. */
interface Walk {
  readonly record: AuthenticatorRecord
  clients: Iterator<Client>
  /** Another revocation came meanwhile, so clients that were checked already must be checked again. */
  isRepeated: boolean
  /** An exception of the authenticator was logged. */
  hasFailed: boolean
}

/**
 * Disconnects connected clients whose authentication was revoked, with Not authorized (0x87). All clients that an authenticator has
 * allowed are checked over several turns. The next revocation does not restart a walk that is under way, so that it reaches
 * the last client: another one follows it.
 */
export class Revocations implements RevocationListener {
  readonly #authenticators: Authenticators
  readonly #clients: ReadonlySet<Client>
  #scheduler: ClientBroker['scheduler']
  /** A reset may replace it. */
  log: Logger
  #queue: TurnQueue<Walk>
  readonly #walks = new Map<AuthenticatorRecord, Walk>()
  #isStopped = false

  /** @param clients of every open connection. */
  constructor(
    authenticators: Authenticators,
    clients: ReadonlySet<Client>,
    broker: Pick<ClientBroker, 'queue' | 'scheduler'>,
    log: Logger,
  ) {
    this.#authenticators = authenticators
    this.#clients = clients
    this.#scheduler = broker.scheduler
    this.log = log
    this.#queue = this.#queueOf(broker)
  }

  /**
   * Listens to the authenticators that do not know the seat yet.
   * @returns takes that back. @throws what an authenticator throws; then nothing has changed.
   */
  listen(seat: HandlerSeat): () => void {
    const added: Authenticator[] = []
    const undo = (): void => {
      for (const authenticator of added) unregister(seat, authenticator)
    }
    try {
      for (const { authenticator } of this.#authenticators) {
        if (seat.registered.has(authenticator)) continue
        seat.registered.set(authenticator, register(seat, authenticator))
        added.push(authenticator)
      }
    } catch (error) {
      undo()
      throw error
    }
    return undo
  }

  /** Ends listening to authenticators that are not there any more. */
  forgetRemoved(seat: HandlerSeat): void {
    const present = new Set([...this.#authenticators].map(({ authenticator }) => authenticator))
    for (const authenticator of seat.registered.keys()) if (!present.has(authenticator)) unregister(seat, authenticator)
  }

  /** The names of the authenticators whose clients are being checked. */
  handOver(): readonly string[] {
    return [...this.#walks.keys()].map(({ name }) => name)
  }

  /** Checks all clients of an authenticator. */
  check(name: string): void {
    const record = this.#authenticators.get(name)
    if (record !== undefined) this.#begin(record)
  }

  /** Continues with the work queue of another broker. */
  useBroker(broker: Pick<ClientBroker, 'queue' | 'scheduler'>): BrokerMove {
    const [queue, scheduler] = [this.#queue, this.#scheduler]
    this.#scheduler = broker.scheduler
    this.#queue = this.#queueOf(broker)
    return {
      undo: () => {
        this.#queue = queue
        this.#scheduler = scheduler
      },
      move: () => {
        for (const walk of this.#walks.values()) if (queue.delete(walk)) this.#queue.add(walk)
      },
    }
  }

  #queueOf(broker: Pick<ClientBroker, 'queue'>): TurnQueue<Walk> {
    return broker.queue('revocation of authentications', (walk) => this.#step(walk))
  }

  /** Ends the walks. Revocations have no effect from now on. @param seat unless another handler has it. */
  stop(seat: HandlerSeat | undefined): void {
    for (const authenticator of seat?.registered.keys() ?? []) unregister(seat!, authenticator)
    this.#isStopped = true
    for (const walk of this.#walks.values()) this.#queue.delete(walk)
    this.#walks.clear()
  }

  revoked(authenticator: Authenticator): void {
    const record = this.#authenticators.get(authenticator.name)
    if (record?.authenticator !== authenticator || this.#isStopped) return
    record.revision += 1
    this.#begin(record)
  }

  #begin(record: AuthenticatorRecord): void {
    const walk = this.#walks.get(record)
    if (walk !== undefined) {
      walk.isRepeated = true
      return
    }
    const first: Walk = { record, clients: this.#clients.values(), isRepeated: false, hasFailed: false }
    this.#walks.set(record, first)
    this.#queue.add(first)
  }

  /** @returns whether there is more to do. */
  #step(walk: Walk): boolean {
    let units = 0
    while (units < STEP_UNITS) {
      const { value: client, done } = walk.clients.next()
      if (done) {
        this.#scheduler.spend(units)
        return this.#ended(walk)
      }
      units += client.authenticatedBy === walk.record ? this.#check(walk, client) : LOOK_UNITS
    }
    this.#scheduler.spend(units)
    return true
  }

  #ended(walk: Walk): boolean {
    if (!walk.isRepeated) {
      this.#walks.delete(walk.record)
      return false
    }
    walk.isRepeated = false
    walk.clients = this.#clients.values()
    return true
  }

  /** @returns the work, in units. */
  #check(walk: Walk, client: Client): number {
    const { record } = walk
    if (this.#isAccepted(walk, client)) return ASK_UNITS
    record.revoked += 1
    const why = `${record.name} no longer accepts it`
    // The client does not learn why.
    if (client.phase < Phase.Accepted) refuse(client, ReasonCode.NotAuthorized, why, '')
    else client.disconnect(ReasonCode.NotAuthorized, why, { reasonString: '' })
    return END_UNITS
  }

  /** An authenticator that throws accepts no client. */
  #isAccepted(walk: Walk, client: Client): boolean {
    const { authenticator, name } = walk.record
    try {
      return authenticator.accepts?.(client.identity) ?? true
    } catch (error) {
      if (!walk.hasFailed) {
        const text = `An authenticator failed: ${name} threw when asked whether it still accepts a client`
        this.log.error({ ...clientFields(client), authenticator: name, err: error }, text)
      }
      walk.hasFailed = true
      return false
    }
  }
}

/** @returns ends it. A function of its own: it makes a closure, which must not hold the handler. */
const register = (seat: HandlerSeat, authenticator: Authenticator): (() => void) => {
  const remove: unknown = authenticator.onRevocation?.(() => seat.to.revoked(authenticator))
  return typeof remove === 'function' ? (remove as () => void) : () => undefined
}

const unregister = (seat: HandlerSeat, authenticator: Authenticator): void => {
  seat.registered.get(authenticator)?.()
  seat.registered.delete(authenticator)
}
