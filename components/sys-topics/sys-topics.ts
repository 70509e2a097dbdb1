import { isDeepStrictEqual } from 'node:util'
import { getHeapStatistics } from 'node:v8'
import { Change, expectSame, liveConfig, replacing } from '../../src/collections/change.ts'
import type { Broker, VolatileTopics } from '../../src/kinds/broker.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import { ReplaceableLogger } from '../../src/kinds/replaceable-logger.ts'
import type { SysTopics as Kind } from '../../src/kinds/sys-topics.ts'
import type { LifecycleContext } from '../../src/system/define-system.ts'
import { ClientEvents } from './client-events.ts'
import type { SysTopicsConfig } from './config.ts'
import type { SysTopicsHandover } from './handover.ts'
import { Loads } from './loads.ts'
import { Readings } from './readings.ts'
import { type Moment, SYS_TOPICS } from './topics.ts'

const PREFIX = '$SYS/broker/'

/** What the topics are made of. */
export interface SysTopicsParts {
  readonly broker: Pick<Broker, 'volatileTopics' | 'watchClients' | 'publish'>
  readonly logger: Logger
  readonly system: Pick<LifecycleContext['system'], 'measures' | 'status'>
  readonly version: string
  /** Milliseconds on a clock that never steps back. */
  readonly now?: () => number
}

/** Publishes the numbers of a system below `$SYS/broker/`, as mosquitto does. */
export class SysTopics implements Kind {
  readonly #config: SysTopicsConfig
  readonly #parts: SysTopicsParts
  readonly #log: ReplaceableLogger
  readonly #now: () => number
  readonly #topics: VolatileTopics
  readonly #loads: Loads
  readonly #startedMs: number
  /** What each topic was told last. */
  readonly #sent = new Map<string, string>()
  #lastMs: number
  #maximumClients: number
  #maximumHeapBytes: number
  #timer: NodeJS.Timeout | undefined
  #loggedFailure = false
  /** Client events; undefined if they are not published. */
  events: ClientEvents | undefined
  /** Messages that were published. */
  published = 0

  /** @param before the numbers of the predecessor, at a reset. */
  constructor(config: SysTopicsConfig, parts: SysTopicsParts, before?: SysTopicsHandover) {
    this.#config = liveConfig(config)
    this.#log = new ReplaceableLogger(parts.logger)
    this.#parts = { ...parts, logger: this.#log }
    this.#now = parts.now ?? (() => performance.now())
    this.#topics = parts.broker.volatileTopics()
    this.#lastMs = this.#now()
    this.#startedMs = before?.startedMs ?? this.#lastMs
    this.#maximumClients = before?.maximumClients ?? 0
    this.#maximumHeapBytes = before?.maximumHeapBytes ?? 0
    this.#loads = new Loads(before?.loads)
    this.events = config.clientEvents ? new ClientEvents(config, this.#parts) : undefined
  }

  /** Publishes all topics, then every `intervalSeconds` those that have changed. */
  begin(): void {
    this.#publishSafely()
    this.#timer = setInterval(() => this.#publishSafely(), this.#config.intervalSeconds * 1_000)
  }

  /**
   * Prepares another config. The topics are published by it when it is in force.
   * @throws an Error for another broker.
   */
  adjust(config: SysTopicsConfig, { broker, logger }: Pick<SysTopicsParts, 'broker' | 'logger'>): Change {
    expectSame({ broker: this.#parts.broker }, { broker }, 'broker')
    const before = { ...this.#config }
    return new Change([replacing(this.#config, config), () => this.#log.replace(logger)], {
      done: () => this.#adjusted(before),
    })
  }

  #adjusted(before: SysTopicsConfig): void {
    const { clientEvents, node, maximumWaitingEvents } = this.#config
    const areSame = isDeepStrictEqual(
      { clientEvents, node, maximumWaitingEvents },
      {
        clientEvents: before.clientEvents,
        node: before.node,
        maximumWaitingEvents: before.maximumWaitingEvents,
      },
    )
    if (!areSame) this.#replaceEvents()
    for (const { topic, isNew } of SYS_TOPICS) {
      if (isNew === true && !this.#config.version21 && this.#sent.delete(topic))
        this.#topics.publish(PREFIX + topic, '')
    }
    clearInterval(this.#timer)
    this.begin()
  }

  /** Those that wait are published as before. */
  #replaceEvents(): void {
    const { events: former } = this
    former?.publishAll()
    former?.stop()
    this.events = this.#config.clientEvents ? new ClientEvents(this.#config, this.#parts, former) : undefined
  }

  publishNow(): number {
    const nowMs = this.#now()
    const moment = this.#moment(nowMs)
    const before = this.published
    for (const { topic, value, isNew } of SYS_TOPICS) {
      if (isNew !== true || this.#config.version21) this.#tell(topic, value(moment))
    }
    for (const [topic, value] of this.#loads.next(moment, nowMs - this.#lastMs)) this.#tell(topic, value)
    this.#lastMs = nowMs
    return this.published - before
  }

  /** As `stop`, for a successor. */
  suspend(): SysTopicsHandover {
    this.stop()
    return {
      startedMs: this.#startedMs,
      maximumClients: this.#maximumClients,
      maximumHeapBytes: this.#maximumHeapBytes,
      loads: this.#loads.handOver(),
    }
  }

  /** Ends the timer and removes the topics. */
  stop(): void {
    clearInterval(this.#timer)
    this.events?.stop()
    this.#topics.close()
  }

  #moment(nowMs: number): Moment {
    const { system, version } = this.#parts
    const readings = new Readings(system, (error) => this.#failed(error))
    const { used_heap_size, external_memory } = getHeapStatistics()
    const heapBytes = used_heap_size + external_memory
    this.#maximumClients = Math.max(this.#maximumClients, readings.get('sessionsHeld') ?? 0)
    this.#maximumHeapBytes = Math.max(this.#maximumHeapBytes, heapBytes)
    return {
      readings,
      version: `mqtt-jig version ${version}`,
      uptimeSeconds: Math.floor((nowMs - this.#startedMs) / 1_000),
      heapBytes,
      maximumClients: this.#maximumClients,
      maximumHeapBytes: this.#maximumHeapBytes,
    }
  }

  #tell(topic: string, value: number | string | undefined): void {
    if (value === undefined) return
    const text = `${value}`
    if (this.#sent.get(topic) === text) return
    this.#topics.publish(PREFIX + topic, text, this.#config.qos)
    this.#sent.set(topic, text)
    this.published += 1
  }

  /** An error in a timer would end the process, and one of another component is no reason not to start. */
  #publishSafely(): void {
    try {
      this.publishNow()
    } catch (error) {
      this.#parts.logger.error({ err: error }, 'The topics below $SYS were not published')
    }
  }

  #failed(error: unknown): void {
    if (this.#loggedFailure) return
    this.#loggedFailure = true
    this.#parts.logger.error({ err: error }, 'A measure could not be read: topics below $SYS are made without it')
  }
}
