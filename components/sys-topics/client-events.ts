import type { Broker } from '../../src/kinds/broker.ts'
import type { ClientFinish, ClientStart, ClientSummary } from '../../src/kinds/client-listener.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import { describeReasonCode } from '../../src/mqtt/describe-reason-code.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { SysTopicsConfig } from './config.ts'

/** Events that are published in one turn of the event loop, about a millisecond. */
const EVENTS_PER_TURN = 200

/** Characters of a Client Identifier in a topic. The payload has the whole identifier. */
const MAXIMUM_LEVEL = 512

/** An event that waits to be published. */
interface ClientEvent {
  readonly event: 'connected' | 'disconnected'
  readonly client: ClientSummary
  readonly atMs: number
  readonly start?: ClientStart
  readonly finish?: ClientFinish
}

/** What client events use. */
export interface ClientEventsParts {
  readonly broker: Pick<Broker, 'watchClients' | 'publish'>
  readonly logger: Logger
}

/**
 * Publishes each connect and disconnect as JSON, in the form of EMQX. Thousands of clients may come at once, so events wait in a
 * queue with a bound and are published over several turns.
 */
export class ClientEvents {
  readonly #parts: ClientEventsParts
  readonly #prefix: string
  readonly #maximum: number
  readonly #unwatch: () => void
  #waiting: ClientEvent[] = []
  #turn: NodeJS.Immediate | undefined
  /** Events that were published. */
  published = 0
  /** Events that found no room in the queue. */
  dropped = 0

  /** @param former the one before, whose numbers go on. */
  constructor({ node, maximumWaitingEvents }: SysTopicsConfig, parts: ClientEventsParts, former?: ClientEvents) {
    this.#parts = parts
    this.published = former?.published ?? 0
    this.dropped = former?.dropped ?? 0
    this.#prefix = `$SYS/brokers/${node}/clients/`
    this.#maximum = maximumWaitingEvents
    this.#unwatch = parts.broker.watchClients({
      connected: (client, start) => this.#add({ event: 'connected', client, atMs: Date.now(), start }),
      disconnected: (client, finish) => this.#add({ event: 'disconnected', client, atMs: Date.now(), finish }),
    })
  }

  /** Events that wait. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Publishes all that wait. */
  publishAll(): void {
    for (const event of this.#waiting.splice(0)) this.#publish(event)
  }

  /** Publishes nothing more. */
  stop(): void {
    this.#unwatch()
    clearImmediate(this.#turn)
    this.#waiting = []
  }

  #add(event: ClientEvent): void {
    if (this.#waiting.length >= this.#maximum) {
      this.dropped += 1
      if (this.dropped === 1) {
        this.#parts.logger.warn(
          { waiting: this.#waiting.length },
          'A client event was not published: as many as maximumWaitingEvents wait. Further ones are counted and not logged',
        )
      }
      return
    }
    this.#waiting.push(event)
    this.#turn ??= setImmediate(() => this.#publishSome())
  }

  #publishSome(): void {
    this.#turn = undefined
    for (const event of this.#waiting.splice(0, EVENTS_PER_TURN)) this.#publish(event)
    if (this.#waiting.length > 0) this.#turn ??= setImmediate(() => this.#publishSome())
  }

  /** An error of one event must not stop the others. */
  #publish(event: ClientEvent): void {
    try {
      const topic = `${this.#prefix}${levelOf(event.client.id)}/${event.event}`
      this.#parts.broker.publish({ topic, payload: JSON.stringify(payloadOf(event)) })
      this.published += 1
    } catch (error) {
      this.#parts.logger.error({ err: error, event: event.event }, 'A client event was not published')
    }
  }
}

/** A surrogate pair that was cut. */
const HALF_PAIR = /[\uD800-\uDBFF]$/

/** A Client Identifier as one level of a topic: `/`, `+`, `#` and `%` are written as in a URL. */
const levelOf = (id: string): string =>
  id
    .slice(0, MAXIMUM_LEVEL)
    .replace(HALF_PAIR, '')
    .replace(/[%/+#]/g, (character) => encodeURIComponent(character))

const payloadOf = ({ client, event, atMs, start, finish }: ClientEvent): Readonly<Record<string, unknown>> => {
  const { id, userName, peer, protocolVersion, connectedAtMs, keepAliveSeconds } = client
  const common = {
    clientid: id,
    username: userName ?? 'undefined',
    ipaddress: peer.address,
    protocol: 'mqtt',
    proto_name: protocolVersion === 3 ? 'MQIsdp' : 'MQTT',
    proto_ver: protocolVersion,
    connected_at: Math.round(connectedAtMs),
    ts: atMs,
  }
  if (event === 'disconnected') {
    const { reasonCode } = finish!
    return { ...common, disconnected_at: atMs, reason: reasonOf(finish!), reason_code: reasonCode }
  }
  const { cleanStart, expiryIntervalSeconds, sessionPresent } = start!
  return {
    ...common,
    keepalive: keepAliveSeconds,
    clean_start: cleanStart,
    expiry_interval: expiryIntervalSeconds,
    session_present: sessionPresent,
    connack: 0,
  }
}

/** Reasons that EMQX has a word of its own for. */
const REASONS: ReadonlyMap<number | undefined, string> = new Map<number | undefined, string>([
  [ReasonCode.Success, 'normal'],
  [ReasonCode.SessionTakenOver, 'takenover'],
  [ReasonCode.AdministrativeAction, 'kicked'],
])

/** `keepalive_timeout`, `tcp_closed`; other Reason Codes by their names: `not_authorized`. */
const reasonOf = ({ reasonCode }: ClientFinish): string => {
  if (reasonCode === undefined) return 'tcp_closed'
  if (reasonCode === ReasonCode.KeepAliveTimeout) return 'keepalive_timeout'
  return (
    REASONS.get(reasonCode) ??
    describeReasonCode(reasonCode)
      .replace(/ \(.*/, '')
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '_')
  )
}
