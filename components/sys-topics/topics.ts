import type { Readings, SourceName } from './readings.ts'

/** What the values are made of. */
export interface Moment {
  readonly readings: Readings
  readonly version: string
  /** Whole seconds since the system runs. */
  readonly uptimeSeconds: number
  readonly heapBytes: number
  /** The highest values that were seen at any time of publishing. */
  readonly maximumClients: number
  readonly maximumHeapBytes: number
}

/** A topic below `$SYS/broker/`. */
export interface SysTopic {
  readonly topic: string
  /** Undefined if the system has no component with such a number. */
  readonly value: (moment: Moment) => number | string | undefined
  /** Whether mosquitto has it since version 2.1. */
  readonly isNew?: boolean
}

const reading =
  (source: SourceName) =>
  ({ readings }: Moment): number | undefined =>
    readings.get(source)

/** The sum of those that are there. */
const sum =
  (...sources: readonly SourceName[]) =>
  ({ readings }: Moment): number | undefined => {
    const found = sources.map((source) => readings.get(source)).filter((number) => number !== undefined)
    return found.length === 0 ? undefined : found.reduce((total, number) => total + number, 0)
  }

/** The same value on several topics. */
const topics = (value: SysTopic['value'], ...names: readonly string[]): SysTopic[] =>
  names.map((topic) => ({ topic, value }))

const dropped = sum('droppedQoS0', 'droppedQueued')
const stored = sum('retainedMessages', 'queuedMessages')

const plainSubscriptions = ({ readings }: Moment): number | undefined => {
  const all = readings.get('subscriptions')
  return all === undefined ? undefined : all - (readings.get('sharedSubscriptions') ?? 0)
}

/** Packets that mosquitto 2.1 counts, with the directions in which they go. */
const PACKETS: Readonly<Record<string, readonly ('received' | 'sent')[]>> = {
  connect: ['received'],
  connack: ['sent'],
  puback: ['received', 'sent'],
  pubrec: ['received', 'sent'],
  pubrel: ['received', 'sent'],
  pubcomp: ['received', 'sent'],
  subscribe: ['received'],
  suback: ['sent'],
  unsubscribe: ['received'],
  unsuback: ['sent'],
  pingreq: ['received'],
  pingresp: ['sent'],
  disconnect: ['received', 'sent'],
  auth: ['received', 'sent'],
}

const packetTopics: readonly SysTopic[] = Object.entries(PACKETS).flatMap(([type, directions]) =>
  directions.map((name) => ({
    topic: `mqtt/${type}/${name}`,
    value: ({ readings }: Moment) =>
      readings.find({ kind: 'PipelineStage', name, unit: 'packets', label: ['type', type.toUpperCase()] }),
  })),
)

/** Topics that mosquitto has since version 2.1. */
const newTopics: readonly SysTopic[] = [
  ...topics(reading('publishReceived'), 'mqtt/publish/received'),
  ...topics(reading('publishSent'), 'mqtt/publish/sent'),
  ...topics(dropped, 'mqtt/publish/dropped'),
  ...topics(reading('payloadReceived'), 'mqtt/publish/bytes/received'),
  ...topics(reading('payloadSent'), 'mqtt/publish/bytes/sent'),
  ...packetTopics,
  ...topics(reading('connectionsOpen'), 'connections/socket/count'),
  ...topics(reading('bytesPending'), 'packet/out/bytes'),
]

/** All topics but those of the load. */
export const SYS_TOPICS: readonly SysTopic[] = [
  ...topics(({ version }) => version, 'version'),
  ...topics(({ uptimeSeconds }) => `${uptimeSeconds} seconds`, 'uptime'),
  ...topics(reading('clientsConnected'), 'clients/connected', 'clients/active'),
  ...topics(reading('sessionsAway'), 'clients/disconnected', 'clients/inactive'),
  ...topics(reading('sessionsHeld'), 'clients/total'),
  ...topics(reading('sessionsExpired'), 'clients/expired'),
  ...topics(({ maximumClients }) => maximumClients, 'clients/maximum'),
  ...topics(reading('bytesReceived'), 'bytes/received'),
  ...topics(reading('bytesSent'), 'bytes/sent'),
  ...topics(reading('packetsReceived'), 'messages/received'),
  ...topics(reading('packetsSent'), 'messages/sent'),
  ...topics(reading('publishReceived'), 'publish/messages/received'),
  ...topics(reading('publishSent'), 'publish/messages/sent'),
  ...topics(dropped, 'publish/messages/dropped'),
  ...topics(reading('payloadReceived'), 'publish/bytes/received'),
  ...topics(reading('payloadSent'), 'publish/bytes/sent'),
  ...topics(plainSubscriptions, 'subscriptions/count'),
  ...topics(reading('sharedSubscriptions'), 'shared_subscriptions/count'),
  ...topics(reading('retainedMessages'), 'retained messages/count'),
  ...topics(stored, 'store/messages/count', 'messages/stored'),
  ...topics(sum('retainedBytes', 'queuedBytes'), 'store/messages/bytes'),
  ...topics(({ heapBytes }) => heapBytes, 'heap/current'),
  ...topics(({ maximumHeapBytes }) => maximumHeapBytes, 'heap/maximum'),
  ...newTopics.map((topic) => ({ ...topic, isNew: true })),
]

/** What `load/NAME/1min`, `5min` and `15min` are the rates of. */
export const LOADS: Readonly<Record<string, (moment: Moment) => number | undefined>> = {
  connections: reading('connectReceived'),
  sockets: reading('connectionsAccepted'),
  'bytes/received': reading('bytesReceived'),
  'bytes/sent': reading('bytesSent'),
  'messages/received': reading('packetsReceived'),
  'messages/sent': reading('packetsSent'),
  'publish/received': reading('publishReceived'),
  'publish/sent': reading('publishSent'),
  'publish/dropped': dropped,
}
