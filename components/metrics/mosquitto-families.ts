import { CounterLoad } from '../../src/collections/load-average.ts'
import type { ComponentMeasure } from '../../src/system/define-system.ts'
import { type Family, single } from './family.ts'
import type { ComponentKind } from './measured-families.ts'
import type { ProcessState } from './process-families.ts'

/** How often the averages are computed, in seconds: the `sys_interval` of mosquitto. */
const INTERVAL_SECONDS = 10

/** A number of the broker: the sum of measures, each named by the kind or variant of its component and its own name, and its label `type`. */
type Sum = readonly (readonly [kind: string, measure: string, type?: string])[]

const RECEIVED: Sum = [['handler', 'received']]
const SENT: Sum = [['handler', 'sent']]
const PUBLISHES_RECEIVED: Sum = [['handler', 'received_publish']]
const PUBLISHES_SENT: Sum = [['handler', 'sent_publish']]
const DROPPED: Sum = [
  ['Broker', 'dropped'],
  ['handler', 'dropped'],
]
const BYTES_RECEIVED: Sum = [['Listener', 'received']]
const BYTES_SENT: Sum = [['Listener', 'sent']]
const PAYLOAD_RECEIVED: Sum = [['handler', 'received_payload']]
const PAYLOAD_SENT: Sum = [['handler', 'sent_payload']]
const SESSIONS: Sum = [['Broker', 'held']]
const SUBSCRIPTIONS: Sum = [['Router', 'subscriptions']]
const SHARED: Sum = [['Router', 'shared']]
const STORED: Sum = [
  ['Broker', 'retained'],
  ['Store', 'queued'],
]

/** By what follows `$SYS/broker/`. */
const COUNTERS: Readonly<Record<string, Sum>> = {
  'bytes/received': BYTES_RECEIVED,
  'bytes/sent': BYTES_SENT,
  'messages/received': RECEIVED,
  'messages/sent': SENT,
  'publish/messages/received': PUBLISHES_RECEIVED,
  'publish/messages/sent': PUBLISHES_SENT,
  'publish/messages/dropped': DROPPED,
  'publish/bytes/received': PAYLOAD_RECEIVED,
  'publish/bytes/sent': PAYLOAD_SENT,
}

const GAUGES: Readonly<Record<string, Sum>> = {
  'clients/connected': [['Broker', 'connected']],
  'clients/disconnected': [['Broker', 'away']],
  'clients/total': SESSIONS,
  'clients/expired': [['Broker', 'expired']],
  'shared_subscriptions/count': SHARED,
  'retained messages/count': [['Broker', 'retained']],
  'store/messages/count': STORED,
  'messages/stored': STORED,
  'store/messages/bytes': [
    ['Broker', 'retained_memory'],
    ['Broker', 'queued'],
  ],
}

/** Below `load/`. */
const LOADS: Readonly<Record<string, Sum>> = {
  'bytes/received': BYTES_RECEIVED,
  'bytes/sent': BYTES_SENT,
  'messages/received': RECEIVED,
  'messages/sent': SENT,
  'publish/received': PUBLISHES_RECEIVED,
  'publish/sent': PUBLISHES_SENT,
  'publish/dropped': DROPPED,
  connections: [['handler', 'received', 'CONNECT']],
  sockets: [['Listener', 'accepted']],
}

/** What the numbers are read from. */
export interface MosquittoSources {
  measures(): readonly ComponentMeasure[]
  kinds(): ReadonlyMap<string, ComponentKind>
  readonly process: ProcessState
  /** For how long the broker runs, in seconds. */
  uptimeSeconds(): number
  /** A measure could not be read outside of a request. */
  failed(error: unknown): void
}

/**
 * The names that the mosquitto exporter (sapcc) makes of the topics of `$SYS`: without `$SYS/`, each `/` and blank a `_`. They are
 * computed from the measures of this broker.
 */
export class MosquittoFamilies {
  readonly #sources: MosquittoSources
  readonly #loads = Object.entries(LOADS).map(([name, sum]) => ({ name, sum, load: new CounterLoad() }))
  readonly #timer: NodeJS.Timeout
  /** The measures that are summed up, and the list of measures that they were looked for in. */
  #summed = new Map<Sum, readonly ComponentMeasure[]>()
  #measures: readonly ComponentMeasure[] = []
  #mostClients = 0
  #lastMs = performance.now()

  constructor(sources: MosquittoSources) {
    this.#sources = sources
    this.#timer = setInterval(() => this.look(), INTERVAL_SECONDS * 1_000).unref()
  }

  /** Adds the time since the last call to the averages, and looks at how many sessions there are. */
  look(): void {
    const nowMs = performance.now()
    const elapsedMs = nowMs - this.#lastMs
    this.#lastMs = nowMs
    this.#safely(() => this.#find())
    for (const { sum, load } of this.#loads) this.#safely(() => load.look(this.#read(sum), elapsedMs))
    this.#safely(() => this.#noteClients())
  }

  families(): readonly Family[] {
    this.#find()
    const { process } = this.#sources
    const ofTopic = (topic: string, type: 'counter' | 'gauge', read: () => number): Family => ({
      ...single(nameOf(topic), type, `$SYS/broker/${topic}`, read),
      hasForeignName: true,
    })
    return [
      ...Object.entries(COUNTERS).map(([topic, sum]) => ofTopic(topic, 'counter', () => this.#read(sum))),
      ...Object.entries(GAUGES).map(([topic, sum]) => ofTopic(topic, 'gauge', () => this.#read(sum))),
      ofTopic('subscriptions/count', 'gauge', () => this.#read(SUBSCRIPTIONS) - this.#read(SHARED)),
      ofTopic('clients/maximum', 'gauge', () => this.#noteClients()),
      ofTopic('uptime', 'gauge', () => this.#sources.uptimeSeconds()),
      ofTopic('heap/current', 'gauge', () => process.memory.heapUsed),
      ofTopic('heap/current size', 'gauge', () => process.memory.heapUsed),
      ...this.#loads.flatMap(({ name, load }) =>
        load.averages.map(({ minutes, average }) =>
          ofTopic(`load/${name}/${minutes}min`, 'gauge', () => average.perMinute),
        ),
      ),
    ]
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** An error in a timer would end the process. */
  #safely(look: () => void): void {
    try {
      look()
    } catch (error) {
      this.#sources.failed(error)
    }
  }

  #noteClients(): number {
    this.#mostClients = Math.max(this.#mostClients, this.#read(SESSIONS))
    return this.#mostClients
  }

  #read(sum: Sum): number {
    let total = 0
    for (const { measure } of this.#summed.get(sum) ?? []) total += measure.read()
    return total
  }

  /** Looks for the measures again if they are others than before. */
  #find(): void {
    const measures = this.#sources.measures()
    if (areSame(measures, this.#measures)) return
    this.#measures = measures
    const kinds = this.#sources.kinds()
    const isOne = ({ component, measure }: ComponentMeasure, [kind, name, type]: Sum[number]): boolean => {
      const provided = kinds.get(component)
      if (type !== undefined && measure.labels?.['type'] !== type) return false
      return measure.name === name && (provided?.variant ?? provided?.kind) === kind
    }
    const sums = [...Object.values(COUNTERS), ...Object.values(GAUGES), ...Object.values(LOADS), SUBSCRIPTIONS]
    this.#summed = new Map(
      sums.map((sum) => [sum, measures.filter((each) => sum.some((wanted) => isOne(each, wanted)))]),
    )
  }
}

/** Whether two lists have the same measures: the components are the same, and have not been started again. */
export const areSame = (some: readonly ComponentMeasure[], others: readonly ComponentMeasure[]): boolean =>
  some.length === others.length && some.every(({ measure }, index) => measure === others[index]!.measure)

const nameOf = (topic: string): string => `broker_${topic.replace(/[/ ]/g, '_')}`
