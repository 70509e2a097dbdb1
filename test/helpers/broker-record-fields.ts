/** Histories of clients, each of which shows one field of what a broker hands over at a reset. */

import type { BrokerState } from '../../components/broker/broker-state.ts'
import { HeldMessages } from '../../components/broker/held-messages.ts'
import type { OutboxState } from '../../components/broker/outbox-state.ts'
import { OwedPubrels } from '../../components/broker/owed-pubrels.ts'
import { SendQuota } from '../../components/broker/send-quota.ts'
import type { SessionState } from '../../components/broker/session-state.ts'
import { UNITS_PER_TURN } from '../../components/broker/turn-scheduler.ts'
import type { WaitingState } from '../../components/broker/waiting-messages.ts'
import { Fifo } from '../../src/collections/fifo.ts'
import { Inflight } from '../../src/mqtt/inflight.ts'
import { PacketIdentifierSet } from '../../src/mqtt/packet-identifier-set.ts'
import type { BrokerEvent, SwappedBroker } from './swapped-broker.ts'

/** A step of a client, or what the test does; a number lets so many seconds pass. */
export type Step = readonly [id: string, event: BrokerEvent] | ((broker: SwappedBroker) => void) | number
type Dropped = (state: BrokerState) => BrokerState

export interface Field {
  readonly field: string
  readonly config?: object
  /** Whether the process ends between these steps and those before the swap. */
  readonly beforeCrash?: readonly Step[]
  readonly before: readonly Step[]
  /** In the turn of the swap. */
  readonly inTurn?: readonly Step[]
  readonly after: readonly Step[]
  readonly dropped: Dropped
}

const connect = (window = 100, more: object = {}): BrokerEvent => ({
  ...{ type: 'connect', clean: false, expiry: 1_000, window, will: false },
  ...more,
})
const subscribe = (filter: string, qos: 0 | 1 | 2 = 1): BrokerEvent => ({ type: 'subscribe', filter, qos })
const publish = (qos: 0 | 1 | 2 = 1, topic = 'a/1', retain = false): BrokerEvent => {
  return { type: 'publish', topic, qos, retain }
}
const simple = (type: 'acknowledge' | 'receive' | 'release' | 'lose' | 'congest' | 'drain'): BrokerEvent => ({ type })
const [acknowledge, lose] = [simple('acknowledge'), simple('lose')]
const settle: Step = ({ store }) => store.settle()
const endBatch: Step = ({ store }) => store.endBatch()
const busy: Step = ({ broker }) => broker.core.scheduler.spend(UNITS_PER_TURN)
const times = (count: number, step: Step): Step[] => Array.from({ length: count }, () => step)

const inSession =
  (id: string, change: (state: SessionState) => Partial<SessionState>): Dropped =>
  (state) => ({
    ...state,
    states: new Map(
      [...state.states].map(([key, each]) => [key, each.id === id ? { ...each, ...change(each) } : each]),
    ),
  })
const inOutbox = (change: (state: OutboxState) => Partial<OutboxState>): Dropped =>
  inSession('q', ({ outbox }) => ({ outbox: { ...outbox, ...change(outbox) } }))
const inWaiting = (change: Partial<WaitingState>): Dropped =>
  inOutbox(({ waiting }) => ({ waiting: { ...waiting, ...change } }))
const inOwed = (change: { lastBatch?: number; pubrecs?: number; packetIdentifiers?: readonly number[] }): Dropped =>
  inOutbox(({ owedPubrels }) => {
    const { lastBatch = owedPubrels.lastBatch, ...handed } = change
    return { owedPubrels: OwedPubrels.from({ lastBatch, handOver: () => ({ ...owedPubrels.handOver(), ...handed }) }) }
  })

/** `p` publishes, and `q` has a subscription. */
const begin = (qos: 0 | 1 | 2, window = 100): Step[] => [
  ['p', connect()],
  ['q', connect(window)],
  ['q', subscribe('a/1', qos)],
  settle,
]
const shared = (...ids: string[]): Step[] =>
  ids.flatMap((id): Step[] => [
    [id, connect()],
    [id, subscribe('$share/g/a/1')],
  ])
const received: Step[] = [['p', publish(2)], settle, ['q', acknowledge]]

export const FIELDS: readonly Field[] = [
  {
    field: 'inflight',
    before: [...begin(1, 1), ['p', publish()], ['p', publish()]],
    after: times(2, ['q', acknowledge]),
    dropped: inOutbox(() => ({ inflight: new Inflight() })),
  },
  {
    field: 'resend',
    before: [...begin(1), ...times(3, ['p', publish()]), ['q', lose], ['q', connect(1)]],
    after: times(3, ['q', acknowledge]),
    dropped: inOutbox(() => ({ resend: new Fifo() })),
  },
  {
    field: 'held',
    before: [...begin(2), ['p', publish(2)]],
    after: [settle],
    dropped: inOutbox(({ held }) => ({ held: HeldMessages.from({ lastBatch: held.lastBatch, entries: () => [] }) })),
  },
  {
    field: 'held.lastBatch',
    before: [...begin(2), ['p', publish(2)], ['q', lose]],
    after: [['q', connect()], settle],
    dropped: inOutbox(({ held }) => ({ held: HeldMessages.from({ lastBatch: 0, entries: () => held.entries() }) })),
  },
  {
    field: 'quota',
    before: [...begin(1, 2), ...times(4, ['p', publish()])],
    after: times(4, ['q', acknowledge]),
    dropped: inOutbox(() => ({ quota: new SendQuota() })),
  },
  {
    field: 'owedPubrels.packetIdentifiers',
    before: [...begin(2), ...received, ['q', lose], ['q', connect()]],
    after: [settle, ['q', acknowledge]],
    dropped: inOwed({ packetIdentifiers: [] }),
  },
  {
    field: 'owedPubrels.lastBatch',
    before: [...begin(2), ...received, ['q', lose]],
    after: [['q', connect()], settle],
    dropped: inOwed({ lastBatch: 0 }),
  },
  {
    field: 'owedPubrels.pubrecs',
    before: [...begin(2), ...received, ['q', acknowledge]],
    after: [['p', publish(2)], settle, ['q', acknowledge]],
    dropped: inOwed({ pubrecs: 0 }),
  },
  {
    field: 'lastSequence',
    before: [...begin(1), ['p', publish()]],
    after: [['p', publish()]],
    dropped: inOutbox(() => ({ lastSequence: 0 })),
  },
  {
    field: 'waiting.queue',
    before: [...begin(1, 1), ...times(3, ['p', publish()])],
    after: times(3, ['q', acknowledge]),
    dropped: inWaiting({ queue: new Fifo() }),
  },
  {
    field: 'waiting.queueBytes',
    config: { maximumQueuedBytes: 12 },
    before: [...begin(1, 1), ...times(3, ['p', publish()])],
    after: times(2, ['p', publish()]),
    dropped: inWaiting({ queueBytes: 0 }),
  },
  {
    field: 'waiting.backlogAfter',
    before: [...begin(1, 1), ...times(3, ['p', publish()]), ['q', lose]],
    after: [['q', connect()], ...times(3, ['q', acknowledge])],
    dropped: inWaiting({ backlogAfter: 0 }),
  },
  {
    field: 'waiting.backlogCount',
    before: [...begin(1), ['q', lose], ...times(2, ['p', publish()])],
    after: [['q', connect()], ...times(2, ['q', acknowledge])],
    dropped: inWaiting({ backlogCount: 0 }),
  },
  {
    field: 'waiting.backlogBytes',
    config: { maximumQueuedBytes: 12 },
    before: [...begin(1), ['q', lose], ...times(2, ['p', publish()])],
    after: times(2, ['p', publish()]),
    dropped: inWaiting({ backlogBytes: 0 }),
  },
  {
    field: 'waiting.restored',
    // The order of PUBREC packets goes on.
    beforeCrash: [...begin(2), ...received, settle],
    before: [['p', connect()]],
    after: [['q', connect()], ['p', publish(2)], settle, ...times(2, ['q', acknowledge] as const)],
    dropped: inWaiting({ restored: false }),
  },
  {
    field: 'waiting.overflowing',
    config: { maximumQueuedMessages: 1 },
    before: [...begin(1), ['q', lose], ...times(3, ['p', publish()])],
    after: [['p', publish()]],
    dropped: inWaiting({ overflowing: false }),
  },
  {
    field: 'awaiting',
    before: [...begin(2), ['p', publish(2)]],
    after: [settle],
    dropped: (state) => ({ ...state, awaiting: [] }),
  },
  {
    field: 'backlogs.holders',
    before: [['p', connect()], ...shared('q', 'r'), ['q', lose], ['r', lose], ...times(4, ['p', publish()])],
    after: [['q', connect()], ...times(4, ['q', acknowledge])],
    dropped: (state) => ({ ...state, backlogs: { ...state.backlogs, holders: [] } }),
  },
  ...(['taking', 'isQueued'] as const).map(
    (field): Field => ({
      field: `backlogs.${field}`,
      before: [['p', connect()], ...shared('q', 'r'), ['q', lose], ['r', lose], ...times(4, ['p', publish()])],
      inTurn: [busy, ['q', connect()]],
      after: [() => undefined],
      dropped: (state) => ({ ...state, backlogs: { ...state.backlogs, [field]: field === 'taking' ? [] : false } }),
    }),
  ),
  {
    field: 'backlogs.offered',
    before: [
      ['p', connect()],
      ...shared('q'),
      ...times(3, ['p', publish()]),
      ['q', simple('congest')],
      ...times(2, ['p', publish()]),
      ...shared('r'),
    ],
    inTurn: [busy, ['q', lose]],
    after: [() => undefined],
    dropped: (state) => ({ ...state, backlogs: { ...state.backlogs, offered: [] } }),
  },
  {
    field: 'will.stored',
    before: [...begin(1), ['r', connect(1, { will: true })], ['q', subscribe('#')]],
    after: [['r', lose]],
    dropped: inSession('r', ({ will }) => ({ will: { ...will, stored: undefined } })),
  },
  {
    field: 'will.standing',
    before: [...begin(1), ['q', subscribe('#')], ['r', connect(1, { will: true, willDelay: 30 })], ['r', lose], 20],
    after: [9, 2],
    dropped: inSession('r', ({ will }) => ({ will: { ...will, standing: undefined } })),
  },
  {
    field: 'dueWills',
    before: [...begin(1), ['q', subscribe('#')], ['r', connect(1, { will: true })]],
    inTurn: [busy, ['r', lose]],
    after: [() => undefined],
    dropped: (state) => ({ ...state, dueWills: [] }),
  },
  {
    field: 'expiry.standing',
    before: [['q', connect(1, { expiry: 30 })], ['q', lose], 20],
    after: [9, 2],
    dropped: inSession('q', ({ expiry }) => ({ expiry: { ...expiry, standing: undefined } })),
  },
  {
    field: 'expiry.intervalSeconds',
    before: begin(1),
    after: [['q', lose]],
    dropped: inSession('q', ({ expiry }) => ({ expiry: { ...expiry, intervalSeconds: 0 } })),
  },
  {
    field: 'expired',
    before: [['q', connect(1, { expiry: 30 })], ['q', lose], 29],
    inTurn: [busy, 2],
    after: [() => undefined],
    dropped: (state) => ({ ...state, expired: [] }),
  },
  {
    field: 'ended',
    before: begin(1),
    inTurn: [busy, ['q', { type: 'end session' }]],
    after: [() => undefined],
    dropped: (state) => ({ ...state, ended: [] }),
  },
  {
    field: 'subscriptions',
    before: begin(1),
    after: [
      ['q', { type: 'unsubscribe', filter: 'a/1', qos: 0 }],
      ['p', publish()],
    ],
    dropped: inSession('q', ({ subscriptions }) => ({ subscriptions: { ...subscriptions, byFilter: undefined } })),
  },
  {
    field: 'subscriptions.shared',
    before: [['p', connect()], ...shared('q'), ['q', simple('congest')], ...times(2, ['p', publish()])],
    after: [['q', lose], ...shared('r'), ...times(2, ['r', acknowledge])],
    dropped: inSession('q', ({ subscriptions }) => ({ subscriptions: { ...subscriptions, shared: undefined } })),
  },
  {
    field: 'unreleased',
    before: [
      ['q', connect()],
      ['q', simple('receive')],
    ],
    after: [['q', simple('release')]],
    dropped: inSession('q', ({ unreleased }) => ({
      unreleased: { ...unreleased, received: new PacketIdentifierSet() },
    })),
  },
  {
    field: 'unreleased.inherited',
    before: [
      ['q', connect()],
      ['q', simple('receive')],
      ['q', lose],
      ['q', connect()],
    ],
    after: [() => undefined],
    dropped: inSession('q', ({ unreleased }) => ({ unreleased: { ...unreleased, inherited: undefined } })),
  },
  {
    field: 'storedBatch',
    before: [['p', connect()], settle, endBatch, ['q', connect()], endBatch, ['q', lose]],
    after: [['q', connect()]],
    dropped: inSession('q', () => ({ storedBatch: undefined })),
  },
  {
    field: 'retained of a session',
    before: [
      ['p', connect()],
      ['p', publish(1, 'a/1', true)],
      ['q', connect()],
      ['q', simple('congest')],
      ['q', subscribe('a/1')],
    ],
    after: [['q', simple('drain')]],
    dropped: inSession('q', () => ({ retained: undefined })),
  },
  {
    field: 'connected',
    before: begin(1),
    after: [],
    dropped: (state) => ({ ...state, connected: [] }),
  },
  {
    field: 'away',
    config: { maximumSessions: 2 },
    before: [
      ['q', connect()],
      ['r', connect()],
      ['q', lose],
    ],
    after: [['p', connect()]],
    dropped: (state) => ({ ...state, away: { all: [], idle: [] } }),
  },
  {
    field: 'away.idle',
    config: { maximumSessions: 2 },
    before: [
      ['q', connect()],
      ['r', connect()],
      ['q', lose],
    ],
    after: [['p', connect()]],
    dropped: (state) => ({ ...state, away: { ...state.away, idle: [] } }),
  },
  {
    field: 'journal',
    before: [...begin(2), ['p', publish(2)]],
    after: [() => undefined],
    dropped: (state) => ({ ...state, journal: { ...state.journal, lastBatch: 0 } }),
  },
]
