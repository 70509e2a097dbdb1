/** The rows of `crossing-classes.ts` for the broker. `record-fields.test.ts` of the broker shows what would happen without a field. */

import type { CrossingClass, CrossingRecord } from './crossing-class.ts'

const BROKER = 'components/broker'
const OWN_PLACE = 'the successor has its own place'
const MADE_ANEW = 'made anew'
const NEXT_TICK = 'the next tick sets it'
const FILLED = 'filled by what is handed over'
const BY_CORE = '`BrokerCore` hands it over'
const OF_CALL = 'of the present call; there is none between two turns'
const OF_TURN = 'of the present turn'
const BY_REFERENCE = 'the object goes by reference; `from` reads it of one of other code'
const CONFIG = 'config of the successor'

const row = (
  file: string,
  name: string,
  gives: readonly string[],
  forgotten: Readonly<Record<string, string>> = {},
): CrossingClass => ({ file: `${BROKER}/${file}.ts`, class: name, gives, forgotten })

const core: readonly CrossingClass[] = [
  row('local-broker', 'LocalBroker', ['handOver'], { inspector: OWN_PLACE, '#depth': OF_CALL }),
  row('broker-core', 'BrokerCore', ['handOver'], {
    config: CONFIG,
    router: OWN_PLACE,
    log: OWN_PLACE,
    ownership: OWN_PLACE,
    publishing: 'has no state',
    forClients: 'has no state',
    '#sweep': 'begins again in the next tick; `Retained` hands over how far it is',
    '#restore': 'the reset waits for its end',
    '#timer': 'the successor has its own',
    '#durabilities': 'the same ones',
    '#endWatches': MADE_ANEW,
    '#recentMs': MADE_ANEW,
    '#successors': 'of the reset before',
    '#successor': 'a function',
    '#durable': 'a function',
  }),
  row('journal', 'Journal', ['handOver'], {
    '#store': OWN_PLACE,
    '#others': 'the same ones',
    '#failures': 'a line of the log may come a second time',
  }),
  row('durabilities', 'Durabilities', ['handOver'], { '#parts': 'the same ones' }),
  row('store-pressure', 'StorePressureWatch', ['handOver'], { '#broker': OWN_PLACE }),
  row('user-quotas', 'UserQuotas', ['handOver'], { '#limits': CONFIG, '#shares': CONFIG }),
  row('client-listeners', 'ClientListeners', ['handOver'], { '#log': OWN_PLACE }),
  row('revocation', 'Revocation', ['isPending'], {
    '#broker': OWN_PLACE,
    '#current': 'the walk begins again',
    '#again': 'the walk begins again',
    '#isStopped': 'a broker that stops hands over nothing',
  }),
  row('authorization', 'Authorization', ['hasOwnRules'], {
    '#authorizers': OWN_PLACE,
    '#receive': MADE_ANEW,
    '#own': MADE_ANEW,
    '#mayReceive': MADE_ANEW,
  }),
  row('turn-queue', 'TurnQueue', ['items'], {
    minimumUnits: 'a constant',
    isOwn: 'a constant of its place',
    '#name': 'a constant of its place',
    '#scheduler': OWN_PLACE,
    '#log': OWN_PLACE,
    '#step': OWN_PLACE,
  }),
  row('turn-scheduler', 'TurnScheduler', ['isQueued', 'takeOut'], {
    '#log': OWN_PLACE,
    '#wereLeftOut': OF_TURN,
    '#left': OF_TURN,
    '#current': OF_TURN,
    '#share': OF_TURN,
    '#immediate': 'the successor has its own',
    spent: BY_CORE,
    turns: BY_CORE,
    mostInTurn: BY_CORE,
    payer: 'has no state',
  }),
]

const session: readonly CrossingClass[] = [
  row('session', 'Session', ['handOver'], { quota: 'found by the owner', '#broker': OWN_PLACE }),
  row('session-subscriptions', 'SessionSubscriptions', ['handOver'], { '#broker': OWN_PLACE, '#quota': OWN_PLACE }),
  row('outbox', 'Outbox', ['forSuccessor'], { '#session': OWN_PLACE, '#broker': OWN_PLACE }),
  row('waiting-messages', 'WaitingMessages', ['forSuccessor'], {
    '#session': OWN_PLACE,
    '#broker': OWN_PLACE,
    '#inflight': '`Outbox` hands it over',
  }),
  row('backlog', 'Backlog', ['after', 'count', 'bytes'], { '#session': OWN_PLACE, '#journal': OWN_PLACE }),
  row('held-messages', 'HeldMessages', ['entries'], { lastBatch: BY_REFERENCE }),
  row('owed-pubrels', 'OwedPubrels', ['handOver'], { lastBatch: BY_REFERENCE }),
  row('send-quota', 'SendQuota', ['handOver']),
  row('inflight-window', 'InflightWindow', ['handOver']),
  row('unreleased-messages', 'UnreleasedMessages', ['handOver'], { '#session': OWN_PLACE, '#broker': OWN_PLACE }),
  row('session-expiry', 'SessionExpiry', ['handOver'], { '#session': OWN_PLACE, '#wheel': OWN_PLACE }),
  row('will', 'Will', ['handOver'], {
    '#session': OWN_PLACE,
    '#gauges': OWN_PLACE,
    '#quota': OWN_PLACE,
    '#wheel': OWN_PLACE,
  }),
  row('own-copy', 'OwnCopy', ['handOver'], { '#session': OWN_PLACE }),
  row('retained-sender', 'RetainedSender', ['handOver'], { '#session': OWN_PLACE }),
]

const lists: readonly CrossingClass[] = [
  row('sessions', 'Sessions', [], {
    '#broker': OWN_PLACE,
    '#byId': BY_CORE,
    connected: BY_CORE,
    away: BY_CORE,
    expiry: 'each session hands over how it stands there',
    willDelay: 'each Will hands over how it stands there',
  }),
  row('away-sessions', 'AwaySessions', ['handOver'], { '#broker': OWN_PLACE }),
  row('ended-sessions', 'EndedSessions', ['handOver'], {
    '#broker': OWN_PLACE,
    '#passing': OF_CALL,
    '#next': OF_CALL,
  }),
  row('will', 'DueWills', ['due'], { '#broker': OWN_PLACE, '#queue': FILLED }),
  row('expired-sessions', 'ExpiredSessions', ['items'], { '#broker': OWN_PLACE, '#tried': NEXT_TICK }),
  row('shared-backlogs', 'SharedBacklogs', ['handOver'], { '#tried': NEXT_TICK }),
  row('retained', 'Retained', ['handOver'], {
    '#journal': OWN_PLACE,
    '#counters': BY_CORE,
    '#log': OWN_PLACE,
    '#authorization': OWN_PLACE,
    '#config': CONFIG,
    '#quotas': BY_CORE,
  }),
  row('retained-owners', 'RetainedOwners', ['handOver'], {
    '#messages': '`Retained` hands it over',
    '#quotas': BY_CORE,
    '#sources': '`Retained` hands it over',
  }),
  row('retained-sources', 'RetainedSources', ['handOver'], { '#known': MADE_ANEW, '#bytes': FILLED }),
  row('retained-restore', 'RetainedRestore', ['mayHave'], {
    '#scheduler': OWN_PLACE,
    '#isRunning': 'the reset waits for its end',
    '#removed': 'empty when it has ended',
    '#refused': 'of a restore that has ended',
    '#waiting': 'empty when it has ended',
  }),
]

export const brokerClasses: readonly CrossingClass[] = [...core, ...session, ...lists]

const record = (file: string, name: string, ...takenBy: readonly string[]): CrossingRecord => ({
  file: `${BROKER}/${file}.ts`,
  interface: name,
  takenBy: takenBy.map((each) => `${BROKER}/${each}.ts`),
})

export const brokerRecords: readonly CrossingRecord[] = [
  record('broker-state', 'BrokerState', 'broker-core'),
  record('session-state', 'SessionState', 'session'),
  record('outbox-state', 'OutboxState', 'outbox', 'outbox-state'),
  record('waiting-messages', 'WaitingState', 'waiting-messages'),
  record('unreleased-messages', 'UnreleasedState', 'unreleased-messages'),
  record('session-expiry', 'ExpiryState', 'session-expiry'),
  record('will', 'WillState', 'will'),
  record('own-copy', 'OwnCopyState', 'own-copy'),
  record('retained-sender', 'RetainedSenderState', 'retained-sender'),
  record('retained', 'RetainedState', 'retained'),
  record('retained-owners', 'OwnersState', 'retained-owners'),
  record('session-subscriptions', 'SubscriptionsState', 'session-subscriptions'),
  record('shared-backlogs', 'BacklogsState', 'shared-backlogs'),
  record('journal', 'JournalState', 'journal'),
  record('store-pressure', 'PressureState', 'store-pressure'),
]
