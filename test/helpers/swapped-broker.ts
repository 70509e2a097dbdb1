import { setImmediate as nextTurn } from 'node:timers/promises'
import type { QoS } from 'mqtt-packet'
import { censusOf } from '../../components/broker/census.ts'
import { brokerConfig } from '../../components/broker/config.ts'
import { broker as component } from '../../components/broker/index.ts'
import type { LocalBroker } from '../../components/broker/local-broker.ts'
import { LocalRouter } from '../../components/router/local-router.ts'
import type { ClientSession } from '../../src/kinds/client-session.ts'
import { Message } from '../../src/mqtt/message.ts'
import type { AnyComponent } from '../../src/system/component.ts'
import { lifecycleContext } from './lifecycle-context.ts'
import { RecordingLogger } from './recording-logger.ts'
import { RecordingRecipient } from './recording-recipient.ts'
import { SlowStore } from './slow-store.ts'

/** What a client or the disk does. */
export type BrokerEvent =
  | {
      readonly type: 'connect'
      readonly clean: boolean
      readonly expiry: number
      readonly window: number
      readonly will: boolean
      /** Its Will Delay Interval, in seconds. Default: 0. */
      readonly willDelay?: number
    }
  | { readonly type: 'subscribe' | 'unsubscribe'; readonly filter: string; readonly qos: QoS }
  | { readonly type: 'publish'; readonly topic: string; readonly qos: QoS; readonly retain: boolean }
  | { readonly type: 'acknowledge' | 'receive' | 'release' | 'lose' | 'disconnect' | 'congest' | 'drain' }
  | { readonly type: 'settle' | 'end batch' | 'end session' }

interface Client {
  readonly recipient: RecordingRecipient
  readonly session: ClientSession
}

/** A broker with clients that have no handler. It can be replaced by a successor at any time, as a reset does it. */
export class SwappedBroker {
  readonly log = new RecordingLogger()
  readonly store: SlowStore
  readonly sent = new Map<string, string[]>()
  readonly #context = lifecycleContext('broker')
  readonly #config: ReturnType<typeof brokerConfig.parse>
  readonly #dependencies: object
  readonly #clients = new Map<string, Client>()
  #published = 0
  broker: LocalBroker
  /** The component that the next successor is made by: that of another generation of the code, in some tests. */
  component: AnyComponent = component

  /** @param store that of an earlier broker, after a crash. */
  static async start(config: object, store = new SlowStore()): Promise<SwappedBroker> {
    const swapped = new SwappedBroker(config, store)
    swapped.broker = (await component.start(
      swapped.#config,
      swapped.#dependencies as never,
      swapped.#context,
    )) as LocalBroker
    return swapped
  }

  private constructor(config: object, store: SlowStore) {
    this.#config = brokerConfig.parse(config)
    this.store = store
    const { log: logger } = this
    this.#dependencies = { router: new LocalRouter(), store, logger, authorizers: [], durabilities: [], ownerships: [] }
    this.broker = undefined as never
  }

  async play(id: string, event: BrokerEvent): Promise<void> {
    this.playNow(id, event)
    await nextTurn()
  }

  /** A reset that swaps the broker. @param isUndone whether it is taken back in the same turn. */
  async swap(isUndone: boolean): Promise<void> {
    const { handover } = this.component as typeof component
    const former = this.broker
    const next = (await handover!.prepare(this.#config, this.#dependencies as never, this.#context)) as LocalBroker
    const census = censusOf(former.core)
    const undo = handover!.take(next, handover!.give(former))
    const after = censusOf(next.core)
    if (JSON.stringify(after) !== JSON.stringify(census)) {
      throw new Error(`the census is ${JSON.stringify(after)}, and was ${JSON.stringify(census)}`)
    }
    if (isUndone) {
      undo()
      await (handover!.discard ?? handover!.retire)(next)
      return
    }
    this.broker = next
    for (const [id, { recipient, session }] of this.#clients) {
      this.#clients.set(id, { recipient, session: next.forClients.successorOf!(session)! })
    }
    await handover!.retire(former)
  }

  /** Adds what clients got to `sent`. */
  collect(): void {
    for (const [id, { recipient }] of this.#clients) this.sent.get(id)!.push(...recipient.sent.splice(0))
  }

  /** Everything that clients and operators can see. */
  async observe(): Promise<unknown> {
    this.store.settle()
    for (let turn = 0; turn < 5; turn += 1) await nextTurn()
    this.collect()
    const sessions = [...this.broker.sessions()].map(({ disconnectedAtMs, ...session }) => session)
    const retained = this.broker.retained('#').map(({ topic, payload }) => `${topic} ${payload.toString()}`)
    const lines = this.log.lines.map(({ message }) => message)
    return {
      sent: [...this.sent],
      sessions,
      retained,
      lines,
      counters: this.broker.core.counters,
      census: censusOf(this.broker.core),
    }
  }

  stop(): void {
    this.broker.stop()
  }

  /** The same without the rest of the turn of the event loop. */
  playNow(id: string, event: BrokerEvent): void {
    const client = this.#clients.get(id)
    switch (event.type) {
      case 'connect':
        this.#connect(id, event)
        break
      case 'settle':
        this.store.settle()
        break
      case 'end batch':
        this.store.endBatch()
        break
      case 'end session':
        this.broker.endSession(id)
        break
      default:
        if (client !== undefined) this.#act(id, client, event)
    }
  }

  #connect(
    id: string,
    { clean, expiry, window, will, willDelay = 0 }: BrokerEvent & { readonly type: 'connect' },
  ): void {
    const recipient = new RecordingRecipient(id)
    const sent = this.sent.get(id) ?? []
    this.sent.set(id, sent)
    const message = Message.of({ topic: 'a/will', payload: Buffer.from(id), qos: 1 })
    const request = {
      ...{ identity: recipient.identity, owner: undefined, cleanStart: clean, expiryIntervalSeconds: expiry },
      ...{
        receiveMaximum: window,
        will: will ? { message, delaySeconds: willDelay, messageExpiryInterval: -1 } : undefined,
      },
    }
    if (this.broker.forClients.admit(request) !== undefined) return
    recipient.onDisconnect = (_, options) => {
      const client = this.#clients.get(id)!
      this.#clients.delete(id)
      sent.push(...recipient.sent.splice(0))
      client.session.detach(options?.will, options?.takenOverBy !== undefined)
    }
    const { session, isPresent, batch } = this.broker.forClients.open(recipient, request)!
    this.#clients.set(id, { recipient, session })
    sent.push(`connected ${isPresent} ${batch}`)
    session.outbox.begin()
  }

  #act(id: string, { recipient, session }: Client, event: BrokerEvent): void {
    if (event.type === 'subscribe') {
      const { filter, qos } = event
      session.subscribe({ filter, qos, noLocal: false, retainAsPublished: true, identifier: 0 }, 0)
      session.outbox.pump()
    }
    if (event.type === 'unsubscribe') session.unsubscribe(event.filter)
    if (event.type === 'publish') {
      this.#published += 1
      const { topic, qos, retain } = event
      session.publish(Message.of({ topic, payload: Buffer.from(`${this.#published}`), qos, retain }), true)
    }
    if (event.type === 'acknowledge') this.#acknowledge(recipient, session)
    if (event.type === 'receive') session.unreleased.add((this.#published % 5) + 1, 7)
    if (event.type === 'release') session.unreleased.release((this.#published % 5) + 1)
    if (event.type === 'congest') recipient.isCongested = true
    if (event.type === 'drain') {
      recipient.isCongested = false
      session.outbox.pump()
    }
    if (event.type === 'lose' || event.type === 'disconnect') {
      recipient.isConnected = false
      if (event.type === 'disconnect') session.deleteWill()
      this.sent.get(id)!.push(...recipient.sent.splice(0))
      this.#clients.delete(id)
      session.detach(undefined, false)
    }
    this.sent.get(id)!.push(...recipient.sent.splice(0))
  }

  /** The client acknowledges what it was sent first. */
  #acknowledge(recipient: RecordingRecipient, session: ClientSession): void {
    const released = recipient.received.shift()
    if (released !== undefined) session.outbox.pubcomp(released)
    const first = released === undefined ? recipient.unacknowledged.shift() : undefined
    if (first?.qos === 1) session.outbox.puback(first.packetIdentifier)
    if (first?.qos === 2 && session.outbox.pubrec(first.packetIdentifier, false) === 'taken') {
      recipient.sendPubrel(first.packetIdentifier)
    }
    session.outbox.pump()
  }
}
