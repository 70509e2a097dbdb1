import type { QoS } from 'mqtt-packet'
import type { Identity } from '../../src/kinds/authorizer.ts'
import type { Broker } from '../../src/kinds/broker.ts'
import type { ClientBroker } from '../../src/kinds/client-broker.ts'
import type { ClientSession } from '../../src/kinds/client-session.ts'
import type { Recipient } from '../../src/kinds/recipient.ts'
import type { MappedFilter } from './topic-map.ts'

export interface LocalSessionContext {
  readonly broker: Pick<Broker, 'session' | 'forClients'>
  readonly identity: Identity
  readonly filters: readonly MappedFilter[]
  /** 0: the session ends with the connection. */
  readonly expiryIntervalSeconds: number
  /** A filter is refused. */
  refused(filter: string, why: string): void
}

/** The session of a bridge at this broker: it subscribes to what goes out, and keeps it during an outage and a restart. */
export class LocalSession {
  readonly #context: LocalSessionContext
  /** Whether this process made it, and no connection has used it yet. */
  #isFresh = false

  constructor(context: LocalSessionContext) {
    this.#context = context
  }

  /** Whether this broker does not know what an earlier session of the bridge sent under which Packet Identifier. */
  get isFresh(): boolean {
    return this.#isFresh
  }

  /** The remote broker and this session agree from now on. */
  settled(): void {
    this.#isFresh = false
  }

  /** Claims the session for this process. It may have to wait until another process has released it. */
  claim(): Promise<void> | undefined {
    return this.#context.broker.forClients.claim(this.#context.identity.clientId)
  }

  /**
   * Opens the session for a connection, with its subscriptions.
   * @param maximumQoS of the remote broker. @param isNew whether the remote broker has no session: it gets all retained messages.
   * @throws Error if it is refused, which has changed nothing.
   */
  open(recipient: Recipient, receiveMaximum: number, maximumQoS: QoS, isNew: boolean): ClientSession {
    const { broker, identity, expiryIntervalSeconds } = this.#context
    const { forClients } = broker
    const request = {
      ...{ identity, owner: identity.clientId, expiryIntervalSeconds, receiveMaximum },
      ...{ cleanStart: expiryIntervalSeconds === 0, will: undefined },
    }
    const refusal = forClients.admit(request)
    if (refusal !== undefined) throw new Error(`its session ${identity.clientId} was refused: ${refusal.why}`)
    const opened = forClients.open(recipient, request)
    if (opened === undefined)
      throw new Error(`its session ${identity.clientId} cannot be read from the store at present`)
    const { session, isPresent } = opened
    if (!isPresent) this.#isFresh = true
    this.#subscribe(session, forClients, maximumQoS, isNew)
    return session
  }

  #subscribe(session: ClientSession, forClients: ClientBroker, maximumQoS: QoS, isNew: boolean): void {
    const { broker, identity, filters, refused } = this.#context
    const wanted = new Set(filters.map(({ filter }) => filter))
    for (const { filter } of broker.session(identity.clientId)!.subscriptions) {
      if (!wanted.has(filter)) session.unsubscribe(filter)
    }
    for (const { filter, qos } of filters) {
      const lower = Math.min(qos, maximumQoS) as QoS
      // At QoS 0 a retained message may have been missed during the outage.
      const retainHandling = isNew || lower === 0 ? 0 : 1
      const subscription = { filter, qos: lower, noLocal: true, retainAsPublished: true, identifier: 0 }
      const refusal = session.subscribe(subscription, retainHandling)
      forClients.scheduler.spend(forClients.subscribeUnits(filter, identity))
      if (refusal !== undefined) refused(filter, refusal.why)
    }
  }
}
