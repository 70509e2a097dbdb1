/** Rates from the counters of two overviews. */

import type { Overview } from './contract.ts'

/** A measure of a component, as the key of a counter names it. */
export interface CounterKey {
  readonly component: string
  readonly measure: string
  /** What is between the braces; empty without labels. */
  readonly labels: string
}

/** Reads `mqttHandler.received_publish{qos="1"}`. */
export const readCounterKey = (key: string): CounterKey => {
  const brace = key.indexOf('{')
  const name = brace < 0 ? key : key.slice(0, brace)
  const dot = name.lastIndexOf('.')
  return {
    component: name.slice(0, Math.max(0, dot)),
    measure: name.slice(dot + 1),
    labels: brace < 0 ? '' : key.slice(brace + 1, -1),
  }
}

/** The totals that the charts show as rates. */
export interface Totals {
  /** PUBLISH packets from clients. */
  messagesIn: number
  /** PUBLISH packets to clients. */
  messagesOut: number
  /** Bytes from clients. */
  bytesIn: number
  bytesOut: number
  /** Messages that were not delivered: the queue was full, or the subscriber too slow. */
  dropped: number
  /** Connections that were closed before a byte was read, and clients that were refused. */
  refused: number
  /** All packets from clients. */
  packetsIn: number
  packetsOut: number
}

export type Rates = Readonly<Totals>

/** Components are known by a measure that only they have: their names are those of the system config. */
const SIGNS: Readonly<Record<string, Role>> = {
  received_publish: 'handler',
  draining: 'server',
  retained_memory: 'broker',
}

type Role = 'handler' | 'server' | 'broker'

/** Which total a measure of a component belongs to. */
const TOTALS: Readonly<Record<string, keyof Totals>> = {
  'handler.received_publish': 'messagesIn',
  'handler.sent_publish': 'messagesOut',
  'handler.received': 'packetsIn',
  'handler.sent': 'packetsOut',
  'handler.dropped': 'dropped',
  'handler.refused': 'refused',
  'server.received': 'bytesIn',
  'server.sent': 'bytesOut',
  'server.refused': 'refused',
  'broker.dropped': 'dropped',
}

const noTotals = (): Totals => ({
  ...{ messagesIn: 0, messagesOut: 0, packetsIn: 0, packetsOut: 0 },
  ...{ bytesIn: 0, bytesOut: 0, dropped: 0, refused: 0 },
})

export const totalsOf = ({ counters }: Overview): Totals => {
  const entries = Object.entries(counters).map(([key, value]) => ({ ...readCounterKey(key), value }))
  const roles = new Map<string, Role>()
  for (const { component, measure } of entries) {
    const role = Object.hasOwn(SIGNS, measure) ? SIGNS[measure] : undefined
    if (role !== undefined) roles.set(component, role)
  }
  const totals = noTotals()
  for (const { component, measure, value } of entries) {
    const total = TOTALS[`${roles.get(component)}.${measure}`]
    if (total !== undefined) totals[total] += value
  }
  return totals
}

/**
 * What happened per second between two totals. A counter that fell, since its component was started again, counts as 0.
 * @param seconds the time between them; more than 0.
 */
export const ratesBetween = (before: Rates, now: Rates, seconds: number): Rates => {
  const rates = noTotals()
  for (const name of Object.keys(rates) as (keyof Totals)[])
    rates[name] = Math.max(0, now[name] - before[name]) / seconds
  return rates
}
