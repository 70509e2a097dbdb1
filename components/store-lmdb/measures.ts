import type { Measure } from '../../src/system/define-system.ts'
import type { OpenStore } from './open-store.ts'

/** The numbers of a store for operators. */
export const measuresOf = (store: OpenStore): Measure[] => {
  return [
    {
      name: 'sessions',
      help: 'Sessions that outlive their connections.',
      unit: 'sessions',
      kind: 'gauge',
      read: () => store.sessionCount,
    },
    {
      name: 'queued',
      help: 'Messages that are owed to sessions; one that is owed to many counts once.',
      unit: 'messages',
      kind: 'gauge',
      read: () => store.messageCount,
    },
    {
      name: 'pending',
      help: 'Bytes that wait to be written, about.',
      unit: 'bytes',
      kind: 'gauge',
      read: () => store.pendingBytes,
    },
    {
      name: 'pressed',
      help: '1 while more waits than the store wants to hold, 2 while it cannot write.',
      unit: 'levels',
      kind: 'gauge',
      read: () => PRESSURES.indexOf(store.pressure),
    },
    {
      name: 'commits',
      help: 'Commits that were written.',
      unit: 'commits',
      kind: 'counter',
      read: () => store.counters.commits,
    },
    {
      name: 'failed',
      help: 'Attempts to commit that failed and were made again.',
      unit: 'commits',
      kind: 'counter',
      read: () => store.counters.failedCommits,
    },
    {
      name: 'slow',
      help: 'Commits that took more than a second.',
      unit: 'commits',
      kind: 'counter',
      read: () => store.counters.slowCommits,
    },
    {
      name: 'committing',
      help: 'Time that all commits together took. Divided by their number it is how long one takes.',
      unit: 'seconds',
      kind: 'counter',
      read: () => store.counters.totalCommitMs / 1_000,
    },
    {
      name: 'longest_commit',
      help: 'How long the longest commit since the start took.',
      unit: 'seconds',
      kind: 'gauge',
      read: () => store.counters.longestCommitMs / 1_000,
    },
    {
      name: 'last_commit',
      help: 'How long the last commit took.',
      unit: 'seconds',
      kind: 'gauge',
      read: () => store.counters.lastCommitMs / 1_000,
    },
    {
      name: 'damaged',
      help: 'Messages that could not be read and were left out.',
      unit: 'messages',
      kind: 'counter',
      read: () => store.damaged,
    },
  ]
}

const PRESSURES: readonly OpenStore['pressure'][] = ['none', 'slow', 'stuck']
