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
  sourceFromPlain,
  sourceToPlain,
  subscriptionToPlain,
} from '../../src/kinds/plain-records.ts'
import type { RetainedSource } from '../../src/kinds/store.ts'
import type { Message } from '../../src/mqtt/message.ts'
import { type MemorySession, MemoryStore } from './memory-store.ts'

/** What a suspended store hands to its successor: plain data, since the classes of the two may differ. */
export type Handover = z.output<typeof handover>

/** Takes a store apart. A message or publisher that stands in many places crosses once. */
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
  const retained = [...store.retained]
  return {
    version: VERSION,
    messages,
    sessions,
    retained: retained.map(({ message }) => indexOf(message)),
    ...sourcesOf(retained.map(({ source }) => source)),
  }
}

/**
 * Builds the store from the state of its predecessor. Messages are shared by the same places as before.
 * @param log of the new store.
 * @throws an Error that says what is wrong when it is of another version or shape.
 */
export const rebuild = (suspended: unknown, log?: Logger): MemoryStore => {
  const { messages: parts, sessions, retained, sources: plainSources, sourceOfRetained } = checked(suspended)
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
  const sources = plainSources.map(sourceFromPlain)
  for (const [at, index] of retained.entries()) {
    const message = messageAt(index)
    const source = sources[sourceOfRetained[at] ?? NO_SOURCE]
    store.append(source === undefined ? { type: 'retained', message } : { type: 'retained', message, source })
  }
  return store
}

/** Counted up whenever the shape below or that of the plain records changes. */
const VERSION = 3
/** The oldest version that is read: it has no sources of retained messages. */
const OLDEST_VERSION = 2

/** Stands for the source of a message that has none. */
const NO_SOURCE = -1

const session = z.strictObject({
  record: plainRecords.session,
  subscriptions: z.array(plainRecords.subscription),
  received: z.array(plainRecords.packetIdentifier),
  queue: z.array(plainRecords.queued),
  lastSequence: plainRecords.sequence,
})

const handover = z.strictObject({
  version: z.int().min(OLDEST_VERSION).max(VERSION),
  /** Each once; elsewhere they are known by their index. */
  messages: z.array(plainRecords.message),
  sessions: z.array(session),
  retained: z.array(plainRecords.reference),
  /** The publishers of retained messages, each once, */
  sources: z.array(plainRecords.source).default([]),
  /** and for each retained message the index of its own, or -1. */
  sourceOfRetained: z.array(z.int().min(NO_SOURCE)).default([]),
})

const checked = (suspended: unknown): Handover => {
  const { version } = z.object({ version: z.unknown() }).catch({ version: undefined }).parse(suspended)
  if (version !== VERSION && version !== OLDEST_VERSION) {
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

/** The publishers of retained messages by their indexes. */
const sourcesOf = (all: readonly (RetainedSource | undefined)[]): Pick<Handover, 'sources' | 'sourceOfRetained'> => {
  const indexes = new Map<RetainedSource, number>()
  for (const source of all) if (source !== undefined && !indexes.has(source)) indexes.set(source, indexes.size)
  return {
    sources: [...indexes.keys()].map(sourceToPlain),
    sourceOfRetained: all.map((source) => (source === undefined ? NO_SOURCE : indexes.get(source)!)),
  }
}

const wholeSession = ({ record, subscriptions, received, queue }: MemorySession, indexOf: ReferTo) => ({
  record: sessionToPlain(record, indexOf),
  subscriptions: [...subscriptions.values()].map(subscriptionToPlain),
  received: [...received],
  queue: queue.read(0, queue.count).map((queued) => queuedToPlain(queued, indexOf)),
  lastSequence: queue.lastSequence,
})
