/** State on the disk: our broker with `store-lmdb`, where an acknowledgement waits for the disk; mosquitto in memory. */

import type { BenchCase } from './bench-case.ts'
import type { MetricName } from './metrics.ts'
import type { LoadPlan } from './plan.ts'
import { sparse } from './sparse-cases.ts'

const headlines: readonly MetricName[] = ['messagesPerSecond', 'cpuPerMessageUs', 'latencyP50Us']

/** As many messages are in the air as in `qos1-queued`. */
const dense: LoadPlan = {
  ...sparse,
  groups: 10,
  qos: 1,
  pace: { mode: 'window', messages: 200 },
  sessions: 'persistent',
}
const { sessions: _, ...denseClean } = dense
const single: LoadPlan = { ...dense, groups: 500, pace: { mode: 'window', messages: 1 } }
const absent: LoadPlan = { ...dense, groups: 1, pace: { mode: 'rate', perSecond: 100 }, sessions: 'absent' }

/** Messages that may be in flight to a client of MQTT 3.1.1, as mosquitto has no limit here. */
const manyInFlight = ['broker.maximumInflightMqtt3=100']

export const durableCases: readonly BenchCase[] = [
  {
    name: 'durable-qos1',
    summary:
      '10 publishers to 10 persistent subscribers, 200 messages in flight in each pair, QoS 1, 64 B, on the disk',
    plan: dense,
    store: 'commit',
    headlines,
    peers: ['mosquitto'],
    check: { ...dense, groups: 2 },
  },
  {
    name: 'durable-qos1-v5',
    summary: '`durable-qos1` with MQTT 5',
    plan: { ...dense, publisherVersion: 5, subscriberVersions: [5] },
    store: 'commit',
    headlines,
    peers: ['mosquitto'],
    onRequest: true,
    check: { ...dense, groups: 2, publisherVersion: 5, subscriberVersions: [5] },
  },
  {
    name: 'durable-single-qos1',
    summary:
      '500 publishers to 500 persistent subscribers in pairs, one message in flight in each, QoS 1, 64 B, on the disk',
    plan: single,
    store: 'commit',
    headlines,
    peers: ['mosquitto'],
    check: { ...single, groups: 20 },
  },
  {
    name: 'durable-qos2',
    summary: '`durable-qos1` at QoS 2, the broker with maximumInflightMqtt3 100',
    plan: { ...dense, qos: 2 },
    settings: manyInFlight,
    store: 'commit',
    headlines,
    peers: ['mosquitto'],
    check: { ...dense, groups: 2, qos: 2 },
  },
  {
    name: 'durable-ack',
    summary: '100 messages a second to a persistent subscriber that is away, QoS 1, 64 B, on the disk',
    plan: absent,
    // They are queued for as long as the case runs.
    settings: ['broker.maximumQueuedMessages=100000'],
    store: 'commit',
    headlines: ['acknowledgedP50Us', 'fdatasyncP50Us'],
    peers: ['mosquitto'],
    warmUpSeconds: 5,
    seconds: 10,
    check: absent,
  },
  {
    name: 'durable-clean-qos1',
    summary:
      '10 publishers to 10 subscribers with clean sessions, 200 messages in flight in each pair, QoS 1, 64 B, with `store-lmdb`',
    plan: denseClean,
    store: 'commit',
    baseline: { name: 'store-memory', plan: denseClean, store: 'memory' },
    headlines,
    peers: [],
    check: { ...denseClean, groups: 2 },
  },
]
