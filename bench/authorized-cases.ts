/** Loads with access control: 1,000 rules, of which the last one is about the topics of the load. */

import type { BenchCase } from './bench-case.ts'
import type { MetricName } from './metrics.ts'
import type { LoadPlan } from './plan.ts'

const headlines: readonly MetricName[] = ['cpuPerMessageUs', 'messagesPerSecond']

const RULES = 1_000

/** Rules on other topics with the same first level, with wildcards and without, on other users, and with a placeholder. */
const others = Array.from({ length: RULES - 1 }, (_, n) => {
  const action = 'all'
  if (n % 4 === 0) return { action, filter: `bench/room-${n}/+/value`, allow: false }
  if (n % 4 === 1) return { action, filter: `bench/room-${n}/state`, allow: true }
  if (n % 4 === 2) return { action, filter: `bench/#`, allow: false, user: `user-${n}` }
  return { action, filter: `bench/room-${n}/%c/#`, allow: true }
})
const rules = [...others, { action: 'all', filter: 'bench/+/+/value', allow: true }]

const settings = ['topicRules.enabled=true', `topicRules.rules=${JSON.stringify(rules)}`]

const common = { headlines, settings, peers: [] } as const

/** @returns the cases for these loads. Each is compared with the case without rules by running both. */
export const authorizedCases = (dense: LoadPlan, fanIn: LoadPlan, sparse: LoadPlan): readonly BenchCase[] => [
  { ...common, name: 'authorized-pairs', summary: 'qos0-pairs with 1,000 rules of access', plan: dense, check: dense },
  { ...common, name: 'authorized-fan-in', summary: 'fan-in-200 with 1,000 rules of access', plan: fanIn },
  { ...common, name: 'authorized-sparse', summary: 'sparse-1k with 1,000 rules of access', plan: sparse },
]
