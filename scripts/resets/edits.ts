/** The edits of a run: what a developer would save, and the faults that can be made while it is loaded. */

import type { Fault, FaultStep } from './fault-points.ts'
import type { StoreName } from './protocol.ts'

/** Values of the config that is edited, by the names of its entries. */
export type Values = Readonly<Record<string, Readonly<Record<string, unknown>>>>

export interface Edit {
  readonly name: string
  /** The file of the copy whose code is edited. Undefined: the config is. */
  readonly file?: string
  /** The only store with which the edited code runs. Undefined: with each. */
  readonly store?: StoreName
  /** Where the body of a function begins that runs for each message: a statement is put there. Undefined: a constant is appended. */
  readonly body?: RegExp
  /** Other values for the config. @param round counts the edits. @param present the values that are in the config. */
  readonly values?: (round: number, present: Values) => Values
  /** The component that must not be kept. */
  readonly changes: string
  /** The steps that can fail, each with the component. */
  readonly faults: readonly (readonly [component: string, step: FaultStep])[]
}

/** A component that is swapped. What depends on it adjusts itself then: the server to other stages. */
const swapped = (component: string, dependent = 'server'): Edit['faults'] => [
  [component, 'prepare'],
  [component, 'give'],
  [component, 'take'],
  [dependent, 'commit'],
]
const swappedStage = (component: string): Edit['faults'] => [...swapped(component), [component, 'open']]
/** The server opens the stages of all connections anew when it is swapped. */
const swappedServer: Edit['faults'] = [
  ['server', 'prepare'],
  ['server', 'give'],
  ['server', 'take'],
  ['mqttDecoder', 'open'],
  ['mqttHandler', 'open'],
  ['mqttEncoder', 'open'],
]
const adjusted = (component: string): Edit['faults'] => [[component, 'commit']]

export const edits: readonly Edit[] = [
  {
    name: 'handler',
    file: 'components/mqtt-handler/publish.ts',
    body: /export const handlePublish = \([^)]*\): void => \{\n/,
    changes: 'mqttHandler',
    faults: swappedStage('mqttHandler'),
  },
  {
    name: 'decoder',
    file: 'components/mqtt-decoder/read-publish.ts',
    body: /export const readPublish = \([\s\S]*?\): [^=]*=> \{\n/,
    changes: 'mqttDecoder',
    faults: swappedStage('mqttDecoder'),
  },
  {
    name: 'encoder',
    file: 'components/mqtt-encoder/publish-encoder.ts',
    body: / {2}send\(publish: Publish[^)]*\): void \{\n/,
    changes: 'mqttEncoder',
    faults: swappedStage('mqttEncoder'),
  },
  {
    name: 'filter',
    file: 'components/packet-log/packet-log.ts',
    body: / {2}publish\(publish: Publish\): void \{\n/,
    changes: 'packetLog',
    faults: swappedStage('packetLog'),
  },
  {
    name: 'handler-config',
    values: (round) => ({ mqttHandler: { connectDeadlineMs: 10_000 + round } }),
    changes: 'mqttHandler',
    faults: adjusted('mqttHandler'),
  },
  {
    name: 'listener',
    values: (round) => ({ tls: { maximumConnections: 20_000 + round }, server: { closeDeadlineMs: 1_000 + round } }),
    changes: 'tls',
    faults: [...adjusted('tls'), ...adjusted('server')],
  },
  {
    name: 'logger',
    values: (round) => ({ logger: { level: round % 2 === 0 ? 'warn' : 'error', tailLines: 1_000 + round } }),
    changes: 'logger',
    faults: adjusted('logger'),
  },
  {
    name: 'rules',
    values: (round) => ({
      topicRules: {
        rules: [
          { action: 'publish', filter: `forbidden/${round}/#`, allow: false },
          { action: 'all', filter: 'resets/#', allow: true },
        ],
      },
    }),
    changes: 'topicRules',
    faults: adjusted('topicRules'),
  },
  {
    name: 'handler-constant',
    file: 'components/mqtt-handler/terms.ts',
    changes: 'mqttHandler',
    faults: swappedStage('mqttHandler'),
  },
  {
    name: 'broker-config',
    values: (round) => ({ broker: { maximumQueuedMessages: 100_000 + round } }),
    changes: 'broker',
    faults: adjusted('broker'),
  },
  {
    name: 'router-config',
    values: (_round, { router }) => ({
      router: { sharedSubscriptionPolicy: router?.['sharedSubscriptionPolicy'] === 'sticky' ? 'topic-hash' : 'sticky' },
    }),
    changes: 'router',
    faults: adjusted('router'),
  },
  {
    name: 'broker',
    file: 'components/broker/session.ts',
    body: / {2}deliver\(message: Message, delivery: Delivery\): DeliveryResult \{\n/,
    changes: 'broker',
    faults: swapped('broker', 'mqttHandler'),
  },
  {
    name: 'router',
    file: 'components/router/local-router.ts',
    body: / {2}publish\(message: Message[^)]*\): PublishResult \{\n/,
    changes: 'router',
    faults: swapped('router', 'broker'),
  },
  {
    name: 'router-trie',
    file: 'src/mqtt/topic-trie.ts',
    body: / {2}match\(topic: string\): TopicMatch<V> \{\n/,
    changes: 'router',
    faults: swapped('router', 'broker'),
  },
  {
    name: 'store',
    file: 'components/store-lmdb/store-lmdb.ts',
    store: 'lmdb',
    body: / {2}append\(record: StoreRecord\): void \{\n/,
    changes: 'store',
    faults: swapped('store', 'broker'),
  },
  {
    name: 'store-commits',
    file: 'components/store-lmdb/retrying-committer.ts',
    store: 'lmdb',
    body: / {2}commit\(operations: Operations, done: [^)]*\) => void\): void \{\n/,
    changes: 'store',
    faults: swapped('store', 'broker'),
  },
  {
    name: 'store-index',
    file: 'components/store-lmdb/queue-index.ts',
    store: 'lmdb',
    body: / {2}add\(sequence: number[^)]*\): void \{\n/,
    changes: 'store',
    faults: swapped('store', 'broker'),
  },
  {
    name: 'server',
    file: 'components/server/connection.ts',
    body: / {2}forward\(source: Uint8Array[^)]*\): void \{\n/,
    changes: 'server',
    faults: swappedServer,
  },
  {
    name: 'server-input',
    file: 'components/server/socket-reads.ts',
    changes: 'server',
    faults: swappedServer,
  },
  {
    name: 'tls',
    file: 'components/tls/tls-transport.ts',
    changes: 'tls',
    faults: swapped('tls'),
  },
  {
    name: 'web-socket',
    file: 'components/web-socket/web-socket-listener.ts',
    changes: 'webSocket',
    faults: swapped('webSocket'),
  },
  {
    name: 'network',
    file: 'src/network/listening.ts',
    changes: 'tls',
    faults: [...swappedServer, ['tls', 'take'], ['webSocket', 'take']],
  },
]

/** The edits of these names that can be made with a store. */
export const editsFor = (names: readonly string[], store: StoreName): readonly Edit[] =>
  edits.filter((edit) => names.includes(edit.name) && (edit.store ?? store) === store)

/** The name under which the edited code notes in the broker process that it runs. */
export const markOf = ({ name }: Edit): string => `mqtt-jig.resets.${name}`

/** The text of a file with an edit. @throws Error when the place of the edit is not in it. */
export const editText = (edit: Edit, text: string, round: number): string => {
  const { name, file, body } = edit
  if (body === undefined) return `${text}\nexport const editedInRound = ${round}\n`
  const found = body.exec(text)
  if (found === null) throw new Error(`scripts/resets/edits.ts: the place of the edit '${name}' is not in ${file}.`)
  const at = found.index + found[0].length
  return `${text.slice(0, at)}  Reflect.set(globalThis, Symbol.for('${markOf(edit)}'), ${round})\n${text.slice(at)}`
}

/** A fault for an edit. @param random from 0 to 1. @param connections how many are open. */
export const faultFor = ({ faults }: Edit, random: () => number, connections: number): Fault => {
  // Without connections no stage is opened.
  const possible = faults.filter(([, step]) => connections > 0 || step !== 'open')
  const [component, step] = possible[Math.floor(random() * possible.length)]!
  const calls = { prepare: 1, give: 2, take: 1, open: Math.max(1, connections), commit: 2 }[step]
  return { component, step, call: 1 + Math.floor(random() * calls) }
}
