/** Everything that `npm run bench` can measure. */

import { authorizedCases } from './authorized-cases.ts'
import { type BenchCase, soakCase } from './bench-case.ts'
import { durableCases } from './durable-cases.ts'
import type { MetricName } from './metrics.ts'
import type { LoadPlan, Plan } from './plan.ts'
import { queuedCases, sparse, sparseCases, sparseSoaks } from './sparse-cases.ts'
import { transportCases } from './transport-cases.ts'

export interface CaseOptions {
  /** Connections held in the case `idle`. */
  readonly connections: number
}

const throughput: readonly MetricName[] = ['cpuPerMessageUs', 'messagesPerSecond']

/** Ten pairs: each publisher has a subscriber and a topic of its own. The other loads are variants of it. */
const pairs: LoadPlan = {
  kind: 'load',
  groups: 10,
  publishers: 1,
  subscribers: 1,
  publisherVersion: 4,
  subscriberVersions: [4],
  qos: 0,
  payloadBytes: 64,
  topics: 1,
  userProperties: 0,
  pace: { mode: 'window', messages: 100 },
}

const windowOf = (messages: number) => ({ mode: 'window', messages }) as const

const fanOut = (subscribers: number, window: number): LoadPlan => ({
  ...pairs,
  groups: 1,
  subscribers,
  pace: windowOf(window),
})

const fanIn: LoadPlan = { ...pairs, groups: 1, publishers: 200, pace: windowOf(5) }
const version5: LoadPlan = { ...pairs, publisherVersion: 5, subscriberVersions: [5], userProperties: 3 }

/** Our broker congests a connection at 1 MiB, unless told otherwise. */
const largePackets = ['server.maximumPendingBytes=16777216']

export const benchCases = ({ connections }: CaseOptions): readonly BenchCase[] => [
  ...sparseCases,
  ...throughputCases,
  ...authorizedCases(pairs, fanIn, sparse),
  ...transportCases(pairs, sparse),
  ...queuedCases,
  ...durableCases,
  ...latencyCases,
  ...subscriptionCases,
  ...connectionCases(connections),
  ...soakCases,
  ...sparseSoaks,
]

const throughputCases: readonly BenchCase[] = [
  {
    name: 'qos0-pairs',
    summary: '10 publishers to 10 subscribers, QoS 0, 64 B',
    plan: pairs,
    headlines: throughput,
    check: pairs,
  },
  {
    name: 'fan-out-200',
    summary: '1 publisher to 200 subscribers, QoS 0, 64 B',
    plan: fanOut(200, 100),
    headlines: throughput,
    check: fanOut(50, 50),
  },
  {
    name: 'fan-out-1000',
    summary: '1 publisher to 1,000 subscribers, QoS 0, 64 B',
    plan: fanOut(1000, 100),
    headlines: throughput,
  },
  {
    name: 'fan-in-200',
    summary: '200 publishers to 1 subscriber on +, QoS 0, 64 B',
    plan: fanIn,
    headlines: throughput,
    check: { ...fanIn, publishers: 50 },
  },
  {
    name: 'qos1-pairs',
    summary: '10 publishers to 10 subscribers, QoS 1, 64 B',
    plan: { ...pairs, qos: 1 },
    headlines: throughput,
    check: { ...pairs, qos: 1 },
  },
  {
    name: 'qos2-pairs',
    summary: '10 publishers to 10 subscribers, QoS 2, 64 B',
    plan: { ...pairs, qos: 2 },
    headlines: throughput,
    check: { ...pairs, qos: 2 },
  },
  {
    name: 'v5-pairs',
    summary: '10 publishers to 10 subscribers, MQTT 5 with 3 User Properties, QoS 0, 64 B',
    plan: version5,
    headlines: throughput,
    check: version5,
  },
  {
    name: 'v5-mix',
    summary: '1 publisher of MQTT 5 to 200 subscribers, half of them MQTT 3.1.1, QoS 0, 64 B',
    plan: { ...version5, groups: 1, subscribers: 200, subscriberVersions: [4, 5], pace: windowOf(50) },
    headlines: throughput,
    check: { ...version5, groups: 1, subscribers: 20, subscriberVersions: [4, 5], pace: windowOf(50) },
  },
  {
    name: 'topics-100k',
    summary: '100,000 topics in turn, 10 publishers to 10 subscribers on +, QoS 0, 64 B',
    plan: { ...pairs, topics: 10_000 },
    headlines: throughput,
    check: { ...pairs, topics: 1000 },
  },
  {
    name: 'payload-16k',
    summary: '4 publishers to 4 subscribers, QoS 0, 16 KiB',
    plan: { ...pairs, groups: 4, payloadBytes: 16_384, pace: windowOf(16) },
    headlines: ['bytesPerSecond', 'cpuPerMessageUs', 'rssPeakBytes'],
    check: { ...pairs, groups: 2, payloadBytes: 16_384, pace: windowOf(16) },
  },
  {
    name: 'payload-1m',
    summary: '2 publishers to 2 subscribers, QoS 0, 1 MiB',
    plan: { ...pairs, groups: 2, payloadBytes: 1_048_576, pace: windowOf(4) },
    settings: largePackets,
    headlines: ['bytesPerSecond', 'cpuPerMessageUs', 'rssPeakBytes'],
    check: { ...pairs, groups: 1, payloadBytes: 1_048_576, pace: windowOf(2) },
  },
]

/**
 * At a low load, Node takes this long until its engine has compiled hot functions and collected the heap of the start, some
 * eight seconds later. At one message a millisecond, a 99.9th percentile needs thousands of them.
 */
const steady = { warmUpSeconds: 15, seconds: 10 } as const

const latencyCases: readonly BenchCase[] = [
  {
    name: 'latency-1k',
    summary: 'one message at a time, 1,000 a second, QoS 0, 64 B',
    plan: { ...pairs, groups: 1, pace: { mode: 'rate', perSecond: 1000 } },
    ...steady,
    headlines: ['latencyP50Us', 'latencyP99Us', 'latencyP999Us'],
    check: { ...pairs, groups: 1, pace: { mode: 'rate', perSecond: 1000 } },
  },
  {
    name: 'rate-10k',
    summary: '10,000 messages a second, 10 publishers to 10 subscribers, QoS 0, 64 B',
    plan: { ...pairs, pace: { mode: 'rate', perSecond: 10_000 } },
    ...steady,
    headlines: ['latencyP99Us', 'latencyP999Us', 'cpuPerMessageUs'],
    check: { ...pairs, pace: { mode: 'rate', perSecond: 10_000 } },
  },
]

const spreadTopics: LoadPlan = { ...pairs, topics: 1000 }
const churn: LoadPlan = { ...pairs, churn: { clients: 10, perSecond: 5000 } }

const subscriptionCases: readonly BenchCase[] = [
  {
    name: 'subscriptions-1m',
    summary: '10,000 topics, beside 1,000,000 subscriptions of 1,000 others, half of them with wildcards',
    plan: { ...spreadTopics, others: { clients: 1000, subscriptions: 1000 } },
    baseline: {
      name: '1,000 subscriptions',
      plan: { ...spreadTopics, others: { clients: 1000, subscriptions: 1 } },
    },
    headlines: ['cpuPerMessageUs'],
    peers: ['mosquitto'],
    check: { ...spreadTopics, others: { clients: 20, subscriptions: 1000 } },
  },
  {
    name: 'churn-5k',
    summary: '10 pairs at QoS 0, while others subscribe and unsubscribe 5,000 times a second',
    plan: churn,
    baseline: { name: 'no churn', plan: pairs },
    headlines: ['messagesPerSecond', 'cpuPerMessageUs'],
    peers: ['mosquitto'],
    check: churn,
  },
]

const connecting: Plan = { kind: 'connect', concurrency: 50, version: 4 }

const connectionCases = (connections: number): readonly BenchCase[] => [
  {
    name: 'connect',
    summary: 'connections opened, accepted and closed, 50 at a time',
    plan: connecting,
    headlines: ['cpuPerConnectionUs', 'connectionsPerSecond'],
    check: { ...connecting, cycles: 500 },
  },
  {
    name: 'idle',
    summary: `${connections.toLocaleString('en')} idle connections of MQTT 5 with one subscription each`,
    plan: { kind: 'idle', connections, version: 5 },
    settings: ['server.maximumConnections=1000000'],
    headlines: ['bytesPerConnection'],
    seconds: 1,
  },
  {
    name: 'idle-v4',
    summary: `${connections.toLocaleString('en')} idle connections of MQTT 3.1.1 with one subscription each`,
    plan: { kind: 'idle', connections, version: 4 },
    settings: ['server.maximumConnections=1000000'],
    headlines: ['bytesPerConnection'],
    seconds: 1,
    onRequest: true,
  },
]

const soakCases: readonly BenchCase[] = [
  soakCase({
    name: 'soak-load',
    summary: 'qos0-pairs for ten minutes, for the memory of our broker',
    plan: pairs,
    seconds: 600,
  }),
  soakCase({
    name: 'soak-connect',
    summary: '200,000 connections opened and closed, for the memory of our broker',
    plan: { ...connecting, cycles: 200_000 },
  }),
]

/** Selects cases by names and patterns with `*`. Without any: all cases except those that run only on request. */
export const chooseCases = (
  all: readonly BenchCase[],
  patterns: readonly string[],
): { readonly chosen: readonly BenchCase[]; readonly unknown: readonly string[] } => {
  if (patterns.length === 0) return { chosen: all.filter(({ onRequest }) => onRequest !== true), unknown: [] }
  const tests = patterns.map((pattern) => toRegExp(pattern))
  return {
    chosen: all.filter(({ name }) => tests.some((test) => test.test(name))),
    unknown: patterns.filter((_, index) => !all.some(({ name }) => tests[index]!.test(name))),
  }
}

const toRegExp = (pattern: string): RegExp =>
  new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`)
