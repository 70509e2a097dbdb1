import { expect, it } from 'vitest'
import { SlowStore } from '../../test/helpers/slow-store.ts'
import { Journal } from './journal.ts'

it('a successor continues with the position and the last batch: an answer still waits for what was appended before a reset', () => {
  const store = new SlowStore()
  const before = new Journal(store)
  before.append({ type: 'session-ended', session: 'a' })
  const after = new Journal(store)
  after.takeOver(before.handOver())
  expect(before.lastBatch).toBeGreaterThan(0)
  expect([after.position, after.lastBatch]).toEqual([before.position, before.lastBatch])
})
