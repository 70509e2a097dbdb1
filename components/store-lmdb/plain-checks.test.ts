import fc from 'fast-check'
import { expect, test } from 'vitest'
import { plainRecords } from '../../src/kinds/plain-records.ts'
import { isPlainSession, isPlainSubscription } from './plain-checks.ts'

const session = {
  id: 'client',
  userName: 'ann',
  claimedUserName: null,
  attributes: null,
  peer: { address: '127.0.0.1', port: 50_001, listener: 'server', transport: 'tcp' },
  expiryIntervalSeconds: 3600,
  disconnectedAtMs: 1.5,
  will: null,
}
const subscription = { filter: 'a/#', qos: 1, noLocal: false, retainAsPublished: true, identifier: 0 }

test('ordinary records need no schema', () => {
  expect(isPlainSession(session)).toBe(true)
  expect(isPlainSession({ ...session, peer: null, disconnectedAtMs: null })).toBe(true)
  expect(isPlainSubscription(subscription)).toBe(true)
})

const strange = fc.constantFrom(
  undefined,
  null,
  '',
  'text',
  -1,
  0,
  0.5,
  3,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  true,
  {},
  [],
)

/** A record with one field replaced, and perhaps another one added or removed. */
const damaged = (record: Readonly<Record<string, unknown>>) =>
  fc
    .tuple(fc.constantFrom(...Object.keys(record)), strange, fc.constantFrom('none', 'add', 'remove'))
    .map(([field, value, what]) => {
      const changed: Record<string, unknown> = { ...record, [field]: value }
      if (what === 'remove') delete changed[field]
      return what === 'add' ? { ...changed, more: 1 } : changed
    })

test('nothing is accepted that the schema refuses or changes', () => {
  const anySession = fc.oneof(
    damaged(session),
    damaged(session.peer).map((peer) => ({ ...session, peer })),
    strange,
  )
  fc.assert(
    fc.property(anySession, (value) => {
      if (isPlainSession(value)) expect(plainRecords.session.parse(value)).toEqual(value)
    }),
    { numRuns: 1_000 },
  )
  fc.assert(
    fc.property(fc.oneof(damaged(subscription), strange), (value) => {
      if (isPlainSubscription(value)) expect(plainRecords.subscription.parse(value)).toEqual(value)
    }),
    { numRuns: 1_000 },
  )
})
