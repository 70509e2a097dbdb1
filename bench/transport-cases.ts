/** Loads over TLS and WebSocket: what a message costs more than over TCP, beside mosquitto with the same certificate. */

import type { BenchCase } from './bench-case.ts'
import type { MetricName } from './metrics.ts'
import type { LoadPlan, Plan } from './plan.ts'
import type { TransportName } from './transport.ts'

const headlines: readonly MetricName[] = ['cpuPerMessageUs', 'messagesPerSecond', 'rssPeakBytes']

const transports = [
  { transport: 'tls', over: 'TLS 1.3' },
  { transport: 'ws', over: 'WebSocket' },
  { transport: 'wss', over: 'WebSocket with TLS 1.3' },
] as const satisfies readonly { readonly transport: TransportName; readonly over: string }[]

const connecting: Plan = { kind: 'connect', concurrency: 50, version: 4 }
const few = (plan: LoadPlan): LoadPlan => ({ ...plan, groups: Math.min(plan.groups, 50) })

/** @returns the cases for these loads and each transport. Each is compared with the case over TCP by running both. */
export const transportCases = (dense: LoadPlan, sparse: LoadPlan): readonly BenchCase[] =>
  transports.flatMap(({ transport, over }): readonly BenchCase[] => {
    // A server of node:tls that only forwards is the limit for a broker in Node.
    const peers = transport === 'tls' ? ['mosquitto', 'net-server'] : ['mosquitto']
    const common = { transport, headlines, peers }
    return [
      { ...common, name: `${transport}-pairs`, summary: `qos0-pairs over ${over}`, plan: dense },
      {
        ...common,
        name: `${transport}-pairs-qos1`,
        summary: `qos1-pairs over ${over}`,
        plan: { ...dense, qos: 1 },
        check: { ...dense, qos: 1 },
      },
      { ...common, name: `${transport}-sparse`, summary: `sparse-1k over ${over}`, plan: sparse },
      {
        ...common,
        name: `${transport}-sparse-qos1`,
        summary: `sparse-1k-qos1 over ${over}`,
        plan: { ...sparse, qos: 1 },
        check: few({ ...sparse, qos: 1 }),
      },
      {
        ...common,
        name: `${transport}-connect`,
        summary: `\`connect\` over ${over}: each connection has a handshake of its own`,
        plan: connecting,
        headlines: ['cpuPerConnectionUs', 'connectionsPerSecond'],
        check: { ...connecting, cycles: 100 },
      },
    ]
  })
