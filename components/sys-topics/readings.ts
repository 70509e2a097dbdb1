import type { LifecycleContext } from '../../src/system/define-system.ts'

/** Which measures make up a number. */
export interface Source {
  /** The kind of the components that have it. */
  readonly kind: string
  readonly name: string
  readonly unit: string
  /** The only label of the measures; none if it is left out. With a value only the measure with this value counts. */
  readonly label?: readonly [name: string, value?: string]
}

const listener = { kind: 'Listener' }
const handler = { kind: 'PipelineStage' }
const broker = { kind: 'Broker' }
const router = { kind: 'Router' }
const store = { kind: 'Store' }
const byType = { label: ['type'] } as const
const byQoS = { label: ['qos'] } as const

/** The numbers that the topics are made of. Those of several measures or components are added up. */
export const SOURCES = {
  bytesReceived: { ...listener, name: 'received', unit: 'bytes' },
  bytesSent: { ...listener, name: 'sent', unit: 'bytes' },
  bytesPending: { ...listener, name: 'pending', unit: 'bytes' },
  connectionsAccepted: { ...listener, name: 'accepted', unit: 'connections' },
  connectionsOpen: { ...listener, name: 'open', unit: 'connections' },
  packetsReceived: { ...handler, name: 'received', unit: 'packets', ...byType },
  packetsSent: { ...handler, name: 'sent', unit: 'packets', ...byType },
  connectReceived: { ...handler, name: 'received', unit: 'packets', label: ['type', 'CONNECT'] },
  publishReceived: { ...handler, name: 'received_publish', unit: 'packets', ...byQoS },
  publishSent: { ...handler, name: 'sent_publish', unit: 'packets', ...byQoS },
  payloadReceived: { ...handler, name: 'received_payload', unit: 'bytes', ...byQoS },
  payloadSent: { ...handler, name: 'sent_payload', unit: 'bytes', ...byQoS },
  droppedQoS0: { ...handler, name: 'dropped', unit: 'messages' },
  droppedQueued: { ...broker, name: 'dropped', unit: 'messages' },
  clientsConnected: { ...broker, name: 'connected', unit: 'clients' },
  sessionsHeld: { ...broker, name: 'held', unit: 'sessions' },
  sessionsAway: { ...broker, name: 'away', unit: 'sessions' },
  sessionsExpired: { ...broker, name: 'expired', unit: 'sessions' },
  retainedMessages: { ...broker, name: 'retained', unit: 'messages' },
  retainedBytes: { ...broker, name: 'retained_memory', unit: 'bytes' },
  queuedBytes: { ...broker, name: 'queued', unit: 'bytes' },
  subscriptions: { ...router, name: 'subscriptions', unit: 'subscriptions' },
  sharedSubscriptions: { ...router, name: 'shared', unit: 'subscriptions' },
  queuedMessages: { ...store, name: 'queued', unit: 'messages' },
} as const satisfies Readonly<Record<string, Source>>

export type SourceName = keyof typeof SOURCES

/** The numbers of a system at one time. */
export class Readings {
  /** By kind, name and unit of the measures, then by their only label. */
  readonly #numbers = new Map<string, Map<string, number>>()

  /** Reads all measures of a system. @param failed called for each that cannot be read; it counts as none. */
  constructor(system: Pick<LifecycleContext['system'], 'measures' | 'status'>, failed: (error: unknown) => void) {
    const kinds = new Map(system.status().map(({ name, kind }) => [name, kind]))
    for (const { component, measure } of system.measures()) {
      const labels = Object.entries(measure.labels ?? {})
      if (labels.length > 1) continue
      const [label, value] = labels[0] ?? []
      try {
        this.#add(keyOf(kinds.get(component), measure, label), value ?? '', measure.read())
      } catch (error) {
        failed(error)
      }
    }
  }

  /** The number; undefined if no component that runs has such a measure. */
  get(source: SourceName): number | undefined {
    return this.find(SOURCES[source])
  }

  /** As `get`, for a source without a name. */
  find(source: Source): number | undefined {
    const [label, value] = source.label ?? []
    const numbers = this.#numbers.get(keyOf(source.kind, source, label))
    if (numbers === undefined) return undefined
    if (value !== undefined) return numbers.get(value)
    let sum = 0
    for (const number of numbers.values()) sum += number
    return sum
  }

  #add(key: string, value: string, number: number): void {
    const numbers = this.#numbers.get(key) ?? new Map<string, number>()
    this.#numbers.set(key, numbers)
    numbers.set(value, (numbers.get(value) ?? 0) + number)
  }
}

const keyOf = (
  kind: string | undefined,
  { name, unit }: { readonly name: string; readonly unit: string },
  label = '',
): string => `${kind} ${name} ${unit} ${label}`
