/** The rows of `crossing-classes.ts` for the router and the stores. */

import type { CrossingClass, CrossingRecord } from './crossing-class.ts'

const OWN_PLACE = 'the successor has its own place'
const MADE_ANEW = 'made anew'
const ROUTER = 'components/router'
const MEMORY = 'components/store-memory'
const LMDB = 'components/store-lmdb'
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

const OF_COMMIT = 'in the memory of the commit that is under way; made anew'

const lmdbStore: readonly CrossingClass[] = [
  {
    file: `${LMDB}/open-store.ts`,
    class: 'OpenStore',
    gives: ['give'],
    forgotten: { '#log': OWN_PLACE, '#config': 'config of the successor' },
  },
  {
    file: `${LMDB}/store-lmdb.ts`,
    class: 'LmdbStore',
    gives: ['handOver'],
    forgotten: { '#file': '`OpenStore` hands it over', '#stored': 'its count of damaged messages is handed over' },
  },
  {
    file: `${LMDB}/stored-messages.ts`,
    class: 'StoredMessages',
    gives: [],
    forgotten: { damaged: '`LmdbStore` hands it over', '#file': OWN_PLACE, '#log': OWN_PLACE },
  },
  {
    file: `${LMDB}/environment.ts`,
    class: 'Environment',
    gives: ['handOver'],
    forgotten: { '#scanner': 'made anew for the next scan' },
  },
  {
    file: `${LMDB}/retrying-committer.ts`,
    class: 'RetryingCommitter',
    gives: ['handOver'],
    forgotten: {
      '#target': OWN_PLACE,
      '#log': OWN_PLACE,
      '#waiting': OWN_PLACE,
      '#listener': OWN_PLACE,
      '#minimumFreeBytes': 'config of the successor',
    },
  },
  {
    file: `${LMDB}/batch-line.ts`,
    class: 'BatchLine',
    gives: ['handOver'],
    forgotten: {
      '#settings': 'config of the successor',
      '#owner': OWN_PLACE,
      '#committer': OWN_PLACE,
      '#endOfTurn': OWN_PLACE,
      '#operations': OF_COMMIT,
      '#work': 'of the present turn',
      '#isNewInCharge': 'the successor is new itself',
    },
  },
  {
    file: `${LMDB}/removals.ts`,
    class: 'Removals',
    gives: ['handOver'],
    forgotten: { '#index': '`LmdbStore` hands it over', '#endPlace': OWN_PLACE },
  },
  {
    file: `${LMDB}/queue-index.ts`,
    class: 'QueueIndex',
    gives: ['handOver', 'count', 'lastSequence'],
    forgotten: {},
  },
  { file: `${LMDB}/message-table.ts`, class: 'MessageTable', gives: ['handOver'], forgotten: {} },
  { file: `${LMDB}/source-table.ts`, class: 'SourceTable', gives: ['handOver'], forgotten: {} },
  { file: `${LMDB}/sent-rows.ts`, class: 'SentRows', gives: ['handOver'], forgotten: {} },
]

export const stateClasses: readonly CrossingClass[] = [...router, ...memoryStore, ...lmdbStore]

export const stateRecords: readonly CrossingRecord[] = [
  { file: `${ROUTER}/local-router.ts`, interface: 'RouterState', takenBy: [`${ROUTER}/local-router.ts`] },
  {
    file: 'src/mqtt/shared-subscription.ts',
    interface: 'SharedState',
    takenBy: ['src/mqtt/shared-subscription.ts'],
  },
  { file: `${MEMORY}/memory-store.ts`, interface: 'MemoryState', takenBy: [`${MEMORY}/memory-store.ts`] },
  { file: `${LMDB}/open-store.ts`, interface: 'OpenStoreState', takenBy: [`${LMDB}/open-store.ts`] },
  {
    file: `${LMDB}/store-state.ts`,
    interface: 'StoreState',
    takenBy: [`${LMDB}/store-lmdb.ts`, `${LMDB}/store-state.ts`],
  },
  { file: `${LMDB}/environment.ts`, interface: 'OpenFile', takenBy: [`${LMDB}/environment.ts`] },
  { file: `${LMDB}/retrying-committer.ts`, interface: 'CommitterState', takenBy: [`${LMDB}/retrying-committer.ts`] },
  { file: `${LMDB}/batch-line.ts`, interface: 'LineState', takenBy: [`${LMDB}/batch-line.ts`] },
  { file: `${LMDB}/queue-index.ts`, interface: 'QueueIndexState', takenBy: [`${LMDB}/queue-index.ts`] },
  { file: `${LMDB}/message-table.ts`, interface: 'MessageTableState', takenBy: [`${LMDB}/message-table.ts`] },
  { file: `${LMDB}/source-table.ts`, interface: 'SourceTableState', takenBy: [`${LMDB}/source-table.ts`] },
  { file: `${LMDB}/sent-rows.ts`, interface: 'SentRowsState', takenBy: [`${LMDB}/sent-rows.ts`] },
  { file: `${MEMORY}/message-queue.ts`, interface: 'QueueState', takenBy: [`${MEMORY}/message-queue.ts`] },
]
