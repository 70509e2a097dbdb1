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

/** Adds up the counters that a test selects. */
export const sumCounters = (counters: Overview['counters'], isWanted: (key: CounterKey) => boolean): number => {
  let sum = 0
  for (const [key, value] of Object.entries(counters)) if (isWanted(readCounterKey(key))) sum += value
  return sum
}

/** The totals that the charts show as rates. */
export interface Totals {
  /** PUBLISH packets from clients. */
  readonly messagesIn: number
  /** PUBLISH packets to clients. */
  readonly messagesOut: number
  readonly bytesIn: number
  readonly bytesOut: number
  /** Messages that were not delivered: the queue was full, or the subscriber too slow. */
  readonly dropped: number
  /** Clients that were refused, and connections that were closed before a byte was read. */
  readonly refused: number
  /** All packets, in both directions. */
  readonly packetsIn: number
  readonly packetsOut: number
}

export type Rates = Totals

const isBytes = (measure: string) => (key: CounterKey) => key.measure === measure && key.labels === ''
const isPackets = (measure: string) => (key: CounterKey) => key.measure === measure && key.labels.includes('type=')
const hasName = (measure: string) => (key: CounterKey) => key.measure === measure

export const totalsOf = ({ counters }: Overview): Totals => ({
  messagesIn: sumCounters(counters, hasName('received_publish')),
  messagesOut: sumCounters(counters, hasName('sent_publish')),
  bytesIn: sumCounters(counters, isBytes('received')),
  bytesOut: sumCounters(counters, isBytes('sent')),
  dropped: sumCounters(counters, hasName('dropped')),
  refused: sumCounters(counters, (key) => key.measure === 'refused' && key.component !== 'broker'),
  packetsIn: sumCounters(counters, isPackets('received')),
  packetsOut: sumCounters(counters, isPackets('sent')),
})

/**
 * What happened per second between two totals. A counter that fell, since its component was started again, counts as 0.
 * @param seconds the time between them; more than 0.
 */
export const ratesBetween = (before: Totals, now: Totals, seconds: number): Rates => {
  const rate = (name: keyof Totals): number => Math.max(0, now[name] - before[name]) / seconds
  return {
    messagesIn: rate('messagesIn'),
    messagesOut: rate('messagesOut'),
    bytesIn: rate('bytesIn'),
    bytesOut: rate('bytesOut'),
    dropped: rate('dropped'),
    refused: rate('refused'),
    packetsIn: rate('packetsIn'),
    packetsOut: rate('packetsOut'),
  }
}
