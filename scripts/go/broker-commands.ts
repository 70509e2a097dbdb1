/** The commands that ask the broker, or act on it. Each command uses the broker that is running at the time of the call. */

import { describeReasonCode } from '../../src/index.ts'
import type { Broker, ClientInfo, PlainMessage, Published, SessionInfo } from '../../src/kinds/broker.ts'
import type { Dev } from '../../src/system/dev.ts'
import { visible } from '../../src/system/graph-words.ts'
import { didYouMean } from '../../src/system/suggestion.ts'
import {
  clientsText,
  clientText,
  type FilterCount,
  nameText,
  retainedText,
  sessionText,
  topicsText,
} from './broker-texts.ts'
import { type Command, shownAs, UsageError } from './command.ts'
import { counted } from './quantities.ts'
import { brokerOf } from './running.ts'
import type { Watches } from './watches.ts'

/** Retained messages and sessions that one command looks at: clients wait meanwhile. */
const mostRetained = 1_000
const mostSessions = 10_000

export const brokerCommands = (dev: Dev, watches: Watches): Readonly<Record<string, Command>> => ({
  clients: {
    usage: 'clients()',
    help: 'a table of the connected clients',
    more: ['returns a list: clients().filter(({ pendingBytes }) => pendingBytes > 0)'],
    call: () => clients(brokerOf(dev)),
  },
  client: {
    usage: "client('id')",
    help: 'what is known of a client and its session, also while it is not connected',
    call: (id?: unknown) => client(brokerOf(dev), text(id, "client takes a Client Identifier: client('kitchen')")),
  },
  topics: {
    usage: 'topics()',
    help: 'topics with a retained message, and the filters that sessions subscribe to',
    more: [
      'A broker keeps no list of topics: one that is only published to is not here. watch() prints it when it is used.',
      `It looks at ${counted(mostRetained, 'retained message')} and ${counted(mostSessions, 'session')} at most.`,
    ],
    call: () => topics(brokerOf(dev)),
  },
  retained: {
    usage: "retained('a/#')",
    help: 'the retained messages that a filter matches; retained() is all',
    more: [`returns ${counted(mostRetained, 'message')} at most: retained('a')[0].payload`],
    call: (filter: unknown = '#') => retained(brokerOf(dev), text(filter, "retained takes a filter: retained('a/#')")),
  },
  watch: {
    usage: "watch('a/#')",
    help: 'prints messages that a filter matches, until unwatch() or Ctrl-C',
    more: [
      'Several filters can be watched. Watching continues after a reset. At most 50 messages are printed in a second.',
    ],
    call: (filter?: unknown) => {
      watch(watches, brokerOf(dev), text(filter, "watch takes a filter: watch('a/#')"))
      return shownAs({}, `Watching ${watches.filters.map(nameText).join(', ')}; unwatch() or Ctrl-C stops it.`)
    },
  },
  unwatch: {
    usage: 'unwatch()',
    help: 'stops what watch() began',
    call: () => shownAs({}, endWatches(watches) ?? 'Nothing was watched.'),
  },
  publish: {
    usage: "publish('a/b', 'text')",
    help: 'publishes a message as the server',
    more: [
      "publish('a/b', { on: true })  an object is published as JSON",
      "publish('a/b', 'text', { qos: 1, retain: true, expirySeconds: 60 })",
      "publish('a/b', '', { retain: true })  deletes the retained message of the topic",
    ],
    call: (topic?: unknown, payload?: unknown, options?: unknown) =>
      publish(brokerOf(dev), text(topic, "publish takes a topic: publish('a/b', 'text')"), payload, options),
  },
  disconnect: {
    usage: "disconnect('id')",
    help: 'disconnects a client; its session continues, and it may reconnect',
    call: (id?: unknown) =>
      disconnect(brokerOf(dev), text(id, "disconnect takes a Client Identifier: disconnect('kitchen')")),
  },
})

/** Stops all watches. @returns what to print; undefined when nothing was watched. */
export const endWatches = (watches: Watches): string | undefined => {
  const filters = watches.end()
  return filters.length === 0 ? undefined : `Stopped watching ${filters.map(nameText).join(', ')}.`
}

const text = (value: unknown, usage: string): string => {
  if (typeof value === 'string') return value
  throw new UsageError(usage)
}

const clients = (broker: Broker): ClientInfo[] => {
  const list = [...broker.clients()]
  const nowMs = Date.now()
  return shownAs(list, (colors) => clientsText(list, nowMs, colors))
}

const client = (broker: Broker, id: string): ClientInfo | SessionInfo => {
  const nowMs = Date.now()
  const connected = broker.client(id)
  if (connected !== undefined) return shownAs({ ...connected }, (colors) => clientText(connected, nowMs, colors))
  const session = broker.session(id)
  if (session === undefined) throw new UsageError(unknownClient(broker, id, ', and it has no session'))
  return shownAs({ ...session }, (colors) => sessionText(session, nowMs, colors))
}

const disconnect = (broker: Broker, id: string): object => {
  if (!broker.disconnect(id)) throw new UsageError(unknownClient(broker, id))
  return shownAs({}, `${nameText(id)} was disconnected and may reconnect.`)
}

const unknownClient = (broker: Broker, id: string, more = ''): string => {
  const names = [...first(broker.clients(), mostSessions)].map((each) => each.id)
  return `no client '${nameText(id)}' is connected${more}${visible(didYouMean(id, names))}`
}

const retained = (broker: Broker, filter: string): readonly object[] => {
  const messages = [...explained(() => broker.retained(filter, mostRetained))]
  return shownAs(messages, (colors) => retainedText(messages, messages.length === mostRetained, colors))
}

const topics = (broker: Broker): object => {
  const retainedTopics = broker.retained('#', mostRetained).map(({ topic }) => topic)
  const counts = new Map<string, number>()
  let looked = 0
  for (const { subscriptions } of first(broker.sessions(), mostSessions)) {
    looked += 1
    for (const { filter } of subscriptions) counts.set(filter, (counts.get(filter) ?? 0) + 1)
  }
  const filters = [...counts]
    .map(([filter, sessions]): FilterCount => ({ filter, sessions }))
    .sort((a, b) => b.sessions - a.sessions)
  const notes = [
    ...(retainedTopics.length === mostRetained
      ? [`Only ${counted(mostRetained, 'retained message')} were looked at.`]
      : []),
    ...(looked === mostSessions ? [`Only ${counted(mostSessions, 'session')} were looked at.`] : []),
  ]
  const sorted = retainedTopics.sort()
  return shownAs({ retained: sorted, filters }, (colors) => topicsText(sorted, filters, notes, colors))
}

const watch = (watches: Watches, broker: Broker, filter: string): void => explained(() => watches.begin(broker, filter))

const publish = (broker: Broker, topic: string, payload: unknown, options: unknown = {}): Published => {
  if (typeof options !== 'object' || options === null) {
    throw new UsageError("the options of publish are an object: publish('a/b', 'text', { qos: 1, retain: true })")
  }
  const message = { ...options, topic, payload: encoded(payload) } as PlainMessage
  const published = explained(() => broker.publish(message))
  return shownAs({ ...published }, publishedText(topic, published))
}

/** Bytes and texts are sent as they are, undefined as an empty payload, other values as JSON. */
const encoded = (payload: unknown): string | Uint8Array => {
  if (typeof payload === 'string') return payload
  // Also arrays of bytes from the realm of the prompt.
  if (ArrayBuffer.isView(payload)) return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  return payload === undefined ? '' : (JSON.stringify(payload) ?? String(payload))
}

const publishedText = (topic: string, { reasonCode, subscribers }: Published): string => {
  const name = nameText(topic)
  if (reasonCode >= 0x80) return `The message to ${name} was not accepted: ${describeReasonCode(reasonCode)}.`
  return `Published to ${name}: ${subscribers === 0 ? 'no subscriber' : counted(subscribers, 'subscriber')}.`
}

/** The broker's error for an invalid argument is printed without a place in the code. */
const explained = <T>(ask: () => T): T => {
  try {
    return ask()
  } catch (error) {
    if ((error as Partial<Error> | undefined)?.name !== 'TypeError') throw error
    throw new UsageError((error as Error).message, { cause: error })
  }
}

function* first<T>(values: Iterable<T>, most: number): Generator<T> {
  let count = 0
  for (const value of values) {
    if (count >= most) return
    count += 1
    yield value
  }
}
