import { Fifo } from '../../src/collections/fifo.ts'
import type { Message } from '../../src/mqtt/message.ts'
import type { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { BrokerConfig } from './config.ts'
import type { BrokerCounters } from './counters.ts'
import type { Gauges } from './gauges.ts'
import { OVERHEAD_BYTES } from './outgoing.ts'
import { Publication, type PublicationContext } from './publication.ts'
import type { Session } from './session.ts'
import type { UserAccounts } from './user-quotas.ts'

/** Publications at work at the same time. Each may hold a route of as many subscribers as there are; others wait. */
const MAXIMUM_ACTIVE = 16

/** The parts of the broker that publications use. */
export interface PublicationsContext extends PublicationContext {
  readonly config: BrokerConfig
  readonly gauges: Gauges
  readonly counters: BrokerCounters
  readonly quotas: UserAccounts
  readonly sessions: {
    get(id: string): Session | undefined
    readonly away: { add(session: Session): void }
  }
}

/**
 * Messages that are too much work for one turn of the event loop: they match a very large part of the filters, or have
 * thousands of subscribers. Each is passed on over several turns. Nothing is read from its publisher meanwhile, and a Will
 * of the publisher waits, so that messages of one client arrive in their order [MQTT-4.6.0-5].
 */
export class Publications {
  readonly #broker: PublicationsContext
  /**
   * By the Client Identifier of the publisher, since its session may be replaced before all are delivered. The first one is at
   * work.
   */
  readonly #byPublisher = new Map<string, Fifo<Publication>>()
  /** Publications that may be at work next. */
  readonly #ready = new Fifo<Publication>()
  readonly #active = new Set<Publication>()
  #isStarting = false
  /** Bytes of all of them. */
  #bytes = 0

  constructor(broker: PublicationsContext) {
    this.#broker = broker
  }

  /** Messages that are being delivered or wait for that. */
  get count(): number {
    return this.#byPublisher.size
  }

  /** Whether an earlier message of this client is still being delivered. */
  isBusy(clientId: string): boolean {
    return this.#byPublisher.size > 0 && this.#byPublisher.has(clientId)
  }

  /**
   * Whether one more message may wait here. The bound is `maximumTotalQueuedBytes` for these messages and the Wills; queues of
   * subscribers do not count. The messages of one user are also bounded by the quota of the user. A single message may always wait.
   */
  hasRoomFor(message: Message, { quota }: Session): boolean {
    const { gauges, config, quotas } = this.#broker
    const bytes = this.#bytes + message.size + OVERHEAD_BYTES
    if (this.#bytes === 0) return true
    const ofUser = quota.queuedBytes + message.size + OVERHEAD_BYTES
    return bytes + gauges.willBytes <= config.maximumTotalQueuedBytes && ofUser <= quotas.limitsOf(quota).queuedBytes
  }

  /**
   * Passes on a message, after all others of its publisher. Call `hasRoomFor` before.
   * @param message lent.
   * @param reason what the publisher is told, if nothing else comes up.
   */
  add(message: Message, publisher: Session, reason: ReasonCode): Publication {
    const { gauges, counters } = this.#broker
    const publication = new Publication(this.#broker, message, publisher, reason, this.#finished)
    counters.dividedPublishes += 1
    gauges.queuedBytes += publication.cost
    publisher.quota.queuedBytes += publication.cost
    this.#bytes += publication.cost
    const others = this.#byPublisher.get(publisher.id)
    if (others !== undefined) {
      others.push(publication)
      return publication
    }
    const own = new Fifo<Publication>()
    own.push(publication)
    this.#byPublisher.set(publisher.id, own)
    this.#ready.push(publication)
    this.#start()
    if (this.isBusy(publisher.id)) this.pause(publisher)
    return publication
  }

  /** Stops reading from the client of a session until its earlier messages are delivered. */
  pause(session: Session): void {
    session.recipient?.pauseForPublication()
  }

  /**
   * Delivers all messages at once, when the system stops. A message that is half delivered would otherwise be delivered twice
   * or never.
   */
  completeAll(): void {
    for (const publications of [...this.#byPublisher.values()]) {
      for (let next = publications.peek(); next !== undefined; next = publications.peek()) next.complete()
    }
  }

  /** A loop and not a recursion: many that finish at once would overflow the stack. */
  #start(): void {
    if (this.#isStarting) return
    this.#isStarting = true
    try {
      while (this.#active.size < MAXIMUM_ACTIVE) {
        const next = this.#ready.shift()
        if (next === undefined) break
        if (next.isFinished) continue
        this.#active.add(next)
        next.resume()
      }
    } finally {
      this.#isStarting = false
    }
  }

  readonly #finished = (publication: Publication): void => {
    const { gauges, quotas, sessions, scheduler } = this.#broker
    const { id, quota } = publication.publisher
    gauges.queuedBytes -= publication.cost
    quota.queuedBytes -= publication.cost
    quotas.release(quota)
    this.#bytes -= publication.cost
    this.#active.delete(publication)
    scheduler.delete(publication)
    const own = this.#byPublisher.get(id)!
    own.shift()
    const next = own.peek()
    if (next === undefined) {
      this.#byPublisher.delete(id)
      const session = sessions.get(id)
      session?.recipient?.resumeAfterPublication()
      // It may hold nothing any more.
      if (session?.connected === false) sessions.away.add(session)
    } else this.#ready.push(next)
    this.#start()
  }
}
