/** The rows of `crossing-classes.ts` for the router and the stores. */

import type { CrossingClass, CrossingRecord } from './crossing-class.ts'

const OWN_PLACE = 'the successor has its own place'
const MADE_ANEW = 'made anew'
const ROUTER = 'components/router'
const MEMORY = 'components/store-memory'
const FILLED = 'filled by what is handed over'

const router: readonly CrossingClass[] = [
  {
    file: `${ROUTER}/local-router.ts`,
    class: 'LocalRouter',
    gives: ['handOver'],
    forgotten: { '#routes': MADE_ANEW, '#result': 'of the present message; there is none between two' },
  },
  {
    file: 'src/mqtt/topic-trie.ts',
    class: 'TopicTrie',
    gives: ['entries'],
    forgotten: { '#nodes': FILLED, '#wildcards': FILLED },
  },
  {
    file: 'src/mqtt/filter-subscriptions.ts',
    class: 'FilterSubscriptions',
    gives: ['shared'],
    forgotten: { '#route': MADE_ANEW },
  },
  {
    file: 'src/mqtt/shared-subscription.ts',
    class: 'SharedSubscription',
    gives: ['handOver'],
    forgotten: { '#bySubscriber': FILLED, '#looked': 'of the present message; there is none between two' },
  },
  { file: 'src/mqtt/member-list.ts', class: 'MembersInTurn', gives: ['at', 'first'], forgotten: {} },
  { file: 'src/mqtt/member-list.ts', class: 'MembersByHash', gives: ['at'], forgotten: {} },
]

const memoryStore: readonly CrossingClass[] = [
  {
    file: `${MEMORY}/memory-store.ts`,
    class: 'MemoryStore',
    gives: ['handOver'],
    forgotten: { batch: 'a constant', durableBatch: 'a constant', pressure: 'a constant', '#current': OWN_PLACE },
  },
  {
    file: `${MEMORY}/message-queue.ts`,
    class: 'MessageQueue',
    gives: ['handOver', 'count', 'bytes', 'lastSequence'],
    forgotten: {},
  },
]

export const stateClasses: readonly CrossingClass[] = [...router, ...memoryStore]

export const stateRecords: readonly CrossingRecord[] = [
  { file: `${ROUTER}/local-router.ts`, interface: 'RouterState', takenBy: [`${ROUTER}/local-router.ts`] },
  {
    file: 'src/mqtt/shared-subscription.ts',
    interface: 'SharedState',
    takenBy: ['src/mqtt/shared-subscription.ts'],
  },
  { file: `${MEMORY}/memory-store.ts`, interface: 'MemoryState', takenBy: [`${MEMORY}/memory-store.ts`] },
  { file: `${MEMORY}/message-queue.ts`, interface: 'QueueState', takenBy: [`${MEMORY}/message-queue.ts`] },
]
