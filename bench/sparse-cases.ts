/** Loads of typical deployments: thousands of connections, of which each sends one message at a time. */

import { type BenchCase, soakCase } from './bench-case.ts'
import type { MetricName } from './metrics.ts'
import type { LoadPlan, Plan } from './plan.ts'

const headlines: readonly MetricName[] = ['cpuPerMessageUs', 'messagesPerSecond', 'latencyP99Us', 'rssPeakBytes']

/** Many pairs, one message in flight in each: nearly every read brings one packet, and every write takes one. */
export const sparse: LoadPlan = {
  kind: 'load',
  groups: 1_000,
  publishers: 1,
  subscribers: 1,
  publisherVersion: 4,
  subscriberVersions: [4],
  qos: 0,
  payloadBytes: 64,
  topics: 1,
  userProperties: 0,
  pace: { mode: 'window', messages: 1 },
}

/** Messages at times that do not depend on the broker. */
const open: LoadPlan = { ...sparse, groups: 500, pace: { mode: 'rate', perSecond: 5_000 } }

const fanInSparse: LoadPlan = { ...open, groups: 1, publishers: 1_000, qos: 1 }

/** The plan of `--check` for each case. */
const few = (plan: LoadPlan): LoadPlan => ({ ...plan, groups: Math.min(plan.groups, 50) })

const crowd: Plan = { kind: 'crowd', clients: 8_000, warmUpClients: 1_000, version: 4 }

export const sparseCases: readonly BenchCase[] = [
  {
    name: 'sparse-1k',
    summary: '1,000 publishers to 1,000 subscribers in pairs, one message in flight in each, QoS 0, 64 B',
    plan: sparse,
    headlines,
    check: few(sparse),
  },
  {
    name: 'sparse-4k',
    summary: '4,000 publishers to 4,000 subscribers in pairs, one message in flight in each, QoS 0, 64 B',
    plan: { ...sparse, groups: 4_000 },
    headlines,
  },
  {
    name: 'sparse-1k-qos1',
    summary: 'sparse-1k at QoS 1',
    plan: { ...sparse, qos: 1 },
    headlines,
    check: few({ ...sparse, qos: 1 }),
  },
  {
    name: 'sparse-2500-qos1',
    summary: 'sparse-1k-qos1 with 5,000 connections',
    plan: { ...sparse, groups: 2_500, qos: 1 },
    headlines,
  },
  {
    name: 'sparse-open',
    summary: '5,000 messages a second, 500 publishers to 500 subscribers in pairs, QoS 0, 64 B',
    plan: open,
    headlines,
    check: few(open),
  },
  {
    name: 'sparse-open-qos1',
    summary: 'sparse-open at QoS 1',
    plan: { ...open, qos: 1 },
    headlines,
    check: few({ ...open, qos: 1 }),
  },
  {
    name: 'sparse-open-2500',
    summary: 'sparse-open with 5,000 connections',
    plan: { ...open, groups: 2_500 },
    headlines,
  },
  {
    name: 'sparse-open-2500-qos1',
    summary: 'sparse-open-qos1 with 5,000 connections',
    plan: { ...open, groups: 2_500, qos: 1 },
    headlines,
  },
  {
    name: 'fan-in-sparse',
    summary: '5,000 messages a second, 1,000 publishers to 1 subscriber on +, QoS 1, 64 B',
    plan: fanInSparse,
    headlines,
    check: { ...fanInSparse, publishers: 50 },
  },
  {
    name: 'connect-8k',
    summary: '8,000 connections opened and accepted, half of them subscribe, all are closed',
    plan: crowd,
    headlines: ['cpuPerConnectionUs'],
    peers: ['mosquitto', 'aedes', 'relay', 'net-server'],
    check: { ...crowd, clients: 200, warmUpClients: 100 },
  },
  {
    name: 'connect-8k-warm',
    summary: '`connect-8k` after 24,000 connections: the engine has compiled everything',
    plan: { ...crowd, warmUpClients: 24_000 },
    headlines: ['cpuPerConnectionUs'],
    peers: ['mosquitto', 'relay', 'net-server'],
  },
]

/** QoS 1 and 2 as dense as QoS 0. */
const dense: LoadPlan = { ...sparse, groups: 10, pace: { mode: 'window', messages: 200 } }

const fanOutQos1: LoadPlan = {
  ...dense,
  groups: 1,
  subscribers: 200,
  qos: 1,
  pace: { mode: 'window', messages: 400 },
}

export const queuedCases: readonly BenchCase[] = [
  {
    name: 'fan-out-200-qos1',
    summary: '1 publisher to 200 subscribers, 400 messages in flight, QoS 1, 64 B',
    plan: fanOutQos1,
    headlines,
    check: { ...fanOutQos1, subscribers: 20, pace: { mode: 'window', messages: 100 } },
  },
  {
    name: 'qos1-queued',
    summary: '10 publishers to 10 subscribers, 200 messages in flight in each pair, QoS 1, 64 B',
    plan: { ...dense, qos: 1 },
    headlines,
    check: { ...dense, groups: 2, qos: 1 },
  },
  {
    name: 'qos2-queued',
    summary: 'qos1-queued at QoS 2, the broker with maximumInflightMqtt3 100',
    plan: { ...dense, qos: 2 },
    settings: ['broker.maximumInflightMqtt3=100'],
    headlines,
    check: { ...dense, groups: 2, qos: 2 },
  },
]

export const sparseSoaks: readonly BenchCase[] = [
  soakCase({
    name: 'soak-sparse',
    summary: 'sparse-1k for ten minutes, for the memory of our broker',
    plan: sparse,
    seconds: 600,
  }),
  soakCase({
    name: 'soak-queued',
    summary: 'qos1-queued for ten minutes, for the memory of our broker',
    plan: { ...dense, qos: 1 },
    seconds: 600,
  }),
]
