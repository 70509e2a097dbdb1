import type { QoS } from 'mqtt-packet'
import { z } from 'zod'
import type { QueuedMessage, SessionRecord } from '../../src/kinds/store.ts'
import { Message } from '../../src/mqtt/message.ts'
import type { Subscription } from '../../src/mqtt/subscription.ts'
import { type MemorySession, MemoryStore } from './memory-store.ts'

/** What a suspended store hands to its successor: plain data, since the classes of the two may differ. */
export type Handover = z.output<typeof handover>

/** Takes a store apart. A message that stands in many places crosses once. */
export const takeApart = (store: MemoryStore): Handover => {
  const messages: Handover['messages'] = []
  const indexes = new Map<Message, number>()
  const indexOf = (message: Message): number => {
    const known = indexes.get(message)
    if (known !== undefined) return known
    indexes.set(message, messages.length)
    messages.push(partsOf(message))
    return messages.length - 1
  }
  const sessions = [...store.sessions].map((session) => plainSession(session, indexOf))
  return { version: VERSION, messages, sessions, retained: [...store.retained].map(indexOf) }
}

/**
 * Builds the store anew from what its predecessor handed over, with the same messages shared by the same places.
 * @throws an Error that says what is wrong when it is of another version or shape.
 */
export const rebuild = (suspended: unknown): MemoryStore => {
  const { messages: parts, sessions, retained } = checked(suspended)
  const messages = parts.map(messageOf)
  const messageAt = (index: number): Message => {
    const message = messages[index]
    if (message === undefined) throw new Error(unreadable(`it refers to message ${index} of ${messages.length}`))
    return message
  }
  const store = new MemoryStore()
  for (const { record, subscriptions, received, queue, lastSequence } of sessions) {
    store.append({ type: 'session', session: recordOf(record, messageAt) })
    const session = record.id
    for (const subscription of subscriptions) store.append({ type: 'subscribed', session, subscription })
    for (const packetIdentifier of received) store.append({ type: 'received', session, packetIdentifier })
    for (const plain of queue) store.append({ type: 'queued', session, queued: queuedOf(plain, messageAt) })
    store.continueAfter(session, lastSequence)
  }
  for (const index of retained) store.append({ type: 'retained', message: messageAt(index) })
  return store
}

/** Counted up whenever the shape below changes. */
const VERSION = 2

const count = z.int().min(0)
const packetIdentifier = z.int().min(0).max(0xffff)
const qos = z.literal([0, 1, 2] satisfies QoS[])
const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'not bytes')
/** A place in `messages`. */
const index = count

const message = z.strictObject({
  topic: bytes,
  properties: bytes,
  payload: bytes,
  qos,
  retain: z.boolean(),
  /** null is never. */
  expiresAtMs: z.number().nullable(),
})

const peer = z.strictObject({
  address: z.string(),
  port: count,
  listener: z.string(),
  transport: z.string(),
  tls: z
    .strictObject({
      subject: z.string().optional(),
      commonName: z.string().optional(),
      serial: z.string().optional(),
      fingerprint: z.string().optional(),
      serverName: z.string().optional(),
    })
    .optional(),
  proxied: z.boolean().optional(),
})

const record = z.strictObject({
  id: z.string(),
  userName: z.string().nullable(),
  /** A predecessor of before this field leaves it out, and may have an address as text. */
  peer: peer.nullable().default(null),
  remote: z.string().nullish(),
  expiryIntervalSeconds: count,
  disconnectedAtMs: z.number().nullable(),
  will: z.strictObject({ message: index, delaySeconds: count, messageExpiryInterval: z.int().min(-1) }).nullable(),
})

const subscription = z.strictObject({
  filter: z.string(),
  qos,
  noLocal: z.boolean(),
  retainAsPublished: z.boolean(),
  identifier: count,
})

const queued = z.strictObject({
  sequence: count,
  message: index,
  qos,
  retain: z.boolean(),
  subscriptionIdentifiers: z.array(count),
  shared: z.string().nullable(),
  queuedAtMs: z.number(),
  packetIdentifier,
  pubrecOrder: count,
})

const session = z.strictObject({
  record,
  subscriptions: z.array(subscription),
  received: z.array(packetIdentifier),
  queue: z.array(queued),
  lastSequence: count,
})

const handover = z.strictObject({
  version: z.literal(VERSION),
  /** Each once; elsewhere they are known by their index. */
  messages: z.array(message),
  sessions: z.array(session),
  retained: z.array(index),
})

type IndexOf = (message: Message) => number
type MessageAt = (index: number) => Message

const checked = (suspended: unknown): Handover => {
  const { version } = z.object({ version: z.unknown() }).catch({ version: undefined }).parse(suspended)
  if (version !== VERSION) {
    const found = version === undefined ? 'no version' : `version ${JSON.stringify(version)}`
    throw new Error(unreadable(`it has ${found}, and this store reads version ${VERSION}`))
  }
  const result = handover.safeParse(suspended)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  const places = result.error.issues.length > 1 ? ` and ${result.error.issues.length - 1} more` : ''
  throw new Error(unreadable(`${path.join('.')}: ${message}${places}`), { cause: result.error })
}

const unreadable = (why: string): string =>
  `the store before this one left sessions and messages in a form that cannot be read: ${why}. ` +
  'Call stop() and then go() to start without them.'

const partsOf = ({ topicBytes, properties, payload, qos, retain, expiresAtMs }: Message) => ({
  topic: topicBytes,
  properties,
  payload,
  qos,
  retain,
  expiresAtMs: expiresAtMs === Number.POSITIVE_INFINITY ? null : expiresAtMs,
})

const messageOf = ({ expiresAtMs, ...parts }: z.output<typeof message>): Message =>
  Message.of({ ...parts, expiresAtMs: expiresAtMs ?? Number.POSITIVE_INFINITY })

const plainSession = ({ record, subscriptions, received, queue }: MemorySession, indexOf: IndexOf) => ({
  record: {
    id: record.id,
    userName: record.userName ?? null,
    peer: record.peer ?? null,
    expiryIntervalSeconds: record.expiryIntervalSeconds,
    disconnectedAtMs: record.disconnectedAtMs ?? null,
    will: record.will === undefined ? null : { ...record.will, message: indexOf(record.will.message) },
  },
  subscriptions: [...subscriptions.values()].map(plainSubscription),
  received: [...received],
  queue: queue.read(0, queue.count).map((queued) => plainQueued(queued, indexOf)),
  lastSequence: queue.lastSequence,
})

const plainSubscription = ({ filter, qos, noLocal, retainAsPublished, identifier }: Subscription) => ({
  filter,
  qos,
  noLocal,
  retainAsPublished,
  identifier,
})

const plainQueued = (queued: QueuedMessage, indexOf: IndexOf) => ({
  sequence: queued.sequence,
  message: indexOf(queued.message),
  qos: queued.qos,
  retain: queued.retain,
  subscriptionIdentifiers: [...queued.subscriptionIdentifiers],
  shared: queued.shared ?? null,
  queuedAtMs: queued.queuedAtMs,
  packetIdentifier: queued.packetIdentifier,
  pubrecOrder: queued.pubrecOrder,
})

const recordOf = ({ remote: _text, ...plain }: z.output<typeof record>, messageAt: MessageAt): SessionRecord => ({
  ...plain,
  userName: plain.userName ?? undefined,
  peer: plain.peer ?? undefined,
  disconnectedAtMs: plain.disconnectedAtMs ?? undefined,
  will: plain.will === null ? undefined : { ...plain.will, message: messageAt(plain.will.message) },
})

const queuedOf = (plain: z.output<typeof queued>, messageAt: MessageAt): QueuedMessage => ({
  ...plain,
  message: messageAt(plain.message),
  shared: plain.shared ?? undefined,
})
