/** A history of clients with resets between any two of its steps is the same as without. */

import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { runs } from '../helpers/full-run.ts'
import { fuzzSeed } from '../helpers/packets.ts'
import { HistoryPlayer, type Step, step } from '../helpers/swap-history.ts'
import { STAGES, type Swap } from '../helpers/swapping-broker.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: 1_700_000_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

const play = (steps: readonly Step[], swapAt: (index: number) => Swap | undefined) => {
  vi.setSystemTime(1_700_000_000_000)
  return new HistoryPlayer().play(steps, swapAt)
}

const steps = fc.array(step, { minLength: 10, maxLength: 60 })
const stages = fc.subarray([...STAGES], { minLength: 1 })
const swaps = fc.array(stages, { minLength: 60, maxLength: 60 })
const undone = fc.array(fc.tuple(stages, fc.nat(4)), { minLength: 60, maxLength: 60 })

it('a history with a swap after each step is the same, byte by byte, as without', async () => {
  await fc.assert(
    fc.asyncProperty(steps, swaps, async (history, names) => {
      const expected = await play(history, () => undefined)
      const found = await play(history, (index) => ({ stages: names[index]! }))
      expect(found).toEqual(expected)
    }),
    { numRuns: runs(60), seed: fuzzSeed },
  )
})

it('so is one in which each swap is undone, after all connections or after some', async () => {
  await fc.assert(
    fc.asyncProperty(steps, undone, async (history, plans) => {
      const expected = await play(history, () => undefined)
      const found = await play(history, (index) => {
        const [names, undoneAfter] = plans[index]!
        return { stages: names, undoneAfter }
      })
      expect(found).toEqual(expected)
    }),
    { numRuns: runs(40), seed: fuzzSeed },
  )
})
