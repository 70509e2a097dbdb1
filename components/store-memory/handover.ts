import { z } from 'zod'
import type { Logger } from '../../src/kinds/logger.ts'
import {
  messageFromPlain,
  messageToPlain,
  plainRecords,
  queuedFromPlain,
  queuedToPlain,
  type ReferTo,
  sessionFromPlain,
  sessionToPlain,
  subscriptionToPlain,
} from '../../src/kinds/plain-records.ts'
import type { Message } from '../../src/mqtt/message.ts'
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
    messages.push(messageToPlain(message))
    return messages.length - 1
  }
  const sessions = [...store.sessions].map((session) => wholeSession(session, indexOf))
  return { version: VERSION, messages, sessions, retained: [...store.retained].map(indexOf) }
}

/**
 * Builds the store from the state of its predecessor. Messages are shared by the same places as before.
 * @param log of the new store.
 * @throws an Error that says what is wrong when it is of another version or shape.
 */
export const rebuild = (suspended: unknown, log?: Logger): MemoryStore => {
  const { messages: parts, sessions, retained } = checked(suspended)
  const messages = parts.map(messageFromPlain)
  const messageAt = (index: number): Message => {
    const message = messages[index]
    if (message === undefined) throw new Error(unreadable(`it refers to message ${index} of ${messages.length}`))
    return message
  }
  const store = new MemoryStore(log)
  for (const { record, subscriptions, received, queue, lastSequence } of sessions) {
    store.append({ type: 'session', session: sessionFromPlain(record, messageAt) })
    const session = record.id
    for (const subscription of subscriptions) store.append({ type: 'subscribed', session, subscription })
    for (const packetIdentifier of received) store.append({ type: 'received', session, packetIdentifier })
    for (const plain of queue) store.append({ type: 'queued', session, queued: queuedFromPlain(plain, messageAt) })
    store.continueAfter(session, lastSequence)
  }
  for (const index of retained) store.append({ type: 'retained', message: messageAt(index) })
  return store
}

/** Counted up whenever the shape below or that of the plain records changes. */
const VERSION = 2

const session = z.strictObject({
  record: plainRecords.session,
  subscriptions: z.array(plainRecords.subscription),
  received: z.array(plainRecords.packetIdentifier),
  queue: z.array(plainRecords.queued),
  lastSequence: plainRecords.sequence,
})

const handover = z.strictObject({
  version: z.literal(VERSION),
  /** Each once; elsewhere they are known by their index. */
  messages: z.array(plainRecords.message),
  sessions: z.array(session),
  retained: z.array(plainRecords.reference),
})

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

const wholeSession = ({ record, subscriptions, received, queue }: MemorySession, indexOf: ReferTo) => ({
  record: sessionToPlain(record, indexOf),
  subscriptions: [...subscriptions.values()].map(subscriptionToPlain),
  received: [...received],
  queue: queue.read(0, queue.count).map((queued) => queuedToPlain(queued, indexOf)),
  lastSequence: queue.lastSequence,
})
