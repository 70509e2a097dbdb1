import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { lackOfRelay } from './brokers/node-peer.ts'
import { benchCases, chooseCases } from './cases.ts'
import { STAMP_BYTES } from './generator/packets.ts'
import { metrics } from './metrics.ts'

const all = benchCases({ connections: 10 })
const named = (...patterns: string[]) => chooseCases(all, patterns).chosen.map(({ name }) => name)

test('every case has a name of its own', () => {
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length)
})

test('patterns select cases, and patterns without a match are reported', () => {
  expect(named('fan-*')).toEqual(['fan-in-sparse', 'fan-out-200', 'fan-out-1000', 'fan-in-200', 'fan-out-200-qos1'])
  expect(named('qos1-pairs', 'qos0-pairs')).toEqual(['qos0-pairs', 'qos1-pairs'])
  expect(chooseCases(all, ['nothing', 'fan-*', 'qos.*']).unknown).toEqual(['nothing', 'qos.*'])
})

test('long cases run only on request', () => {
  expect(named()).not.toContain('soak-load')
  expect(named('soak-load')).toEqual(['soak-load'])
})

test('every payload has room for the stamp, and the relay takes part in the cases that are compared with it', () => {
  for (const { plan, check } of all) {
    for (const each of [plan, check])
      if (each?.kind === 'load') expect(each.payloadBytes).toBeGreaterThanOrEqual(STAMP_BYTES)
  }
  const relayed = all.filter((each) => each.plan.kind === 'load' && lackOfRelay(each) === undefined)
  expect(relayed.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['qos0-pairs', 'fan-out-200', 'fan-in-200', 'payload-1m', 'latency-1k']),
  )
  expect(relayed.map(({ name }) => name)).not.toContain('qos2-pairs')
})

test('docs/benchmarks.md explains every number and names every case', () => {
  const page = readFileSync(resolve(import.meta.dirname, '../docs/benchmarks.md'), 'utf8')
  const rows = [...page.matchAll(/^\| `([^`]+)` \| (.+) \|$/gm)].map(([, name, meaning]) => [name, meaning])
  const documented = Object.fromEntries(rows)
  for (const { label, meaning } of Object.values(metrics)) expect(documented[label]).toBe(meaning)
  for (const { name } of all) expect(documented).toHaveProperty(name)
})
