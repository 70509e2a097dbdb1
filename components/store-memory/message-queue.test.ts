import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { runs } from '../../test/helpers/full-run.ts'
import { fuzzSeed } from '../../test/helpers/packets.ts'
import { queuedMessage } from '../../test/helpers/store-records.ts'
import { MessageQueue } from './message-queue.ts'

describe('the queue of messages', () => {
  const sequencesOf = (queue: MessageQueue) => queue.read(0, Number.POSITIVE_INFINITY).map(({ sequence }) => sequence)

  it('agrees with a sorted map, for any puts and removals in any order', () => {
    // Runs of the same action, so that queues grow long and get long gaps.
    const action = fc.record({
      kind: fc.constantFrom('append', 'append', 'insert', 'remove first', 'remove', 'remove all but one'),
      times: fc.integer({ min: 1, max: 60 }),
      number: fc.nat(400),
    })
    const property = fc.property(fc.array(action, { maxLength: 30 }), (actions) => {
      const queue = new MessageQueue()
      const expected = new Map<number, number>()
      let last = 0
      const put = (sequence: number) => {
        const queued = queuedMessage({ sequence })
        queue.put(queued)
        expected.set(sequence, queued.message.size)
        last = Math.max(last, sequence)
      }
      const remove = (sequence: number | undefined) => {
        queue.remove(sequence ?? 0)
        expected.delete(sequence ?? 0)
      }
      const sorted = () => [...expected.keys()].sort((a, b) => a - b)
      for (const { kind, times, number } of actions) {
        for (let n = 0; n < times; n += 1) {
          if (kind === 'append') put(last + 1 + (number % 10 === 0 ? number : 0))
          if (kind === 'insert') put(1 + ((number * (n + 1)) % 400))
          if (kind === 'remove first') remove(sorted()[0])
          if (kind === 'remove') remove(sorted()[(number * (n + 1)) % Math.max(1, expected.size)])
        }
        if (kind === 'remove all but one') for (const sequence of sorted().slice(1)) remove(sequence)
        expect(sequencesOf(queue)).toEqual(sorted())
        expect(queue.read(number, times).map(({ sequence }) => sequence)).toEqual(
          sorted()
            .filter((sequence) => sequence > number)
            .slice(0, times),
        )
        expect(queue.find(number)?.sequence).toBe(expected.has(number) ? number : undefined)
        expect([queue.count, queue.lastSequence]).toEqual([expected.size, last])
        expect(queue.bytes).toBe([...expected.values()].reduce((sum, size) => sum + size, 0))
      }
    })
    fc.assert(property, { seed: fuzzSeed, numRuns: runs(300) })
  })

  it('counts the bytes of a message that replaces another', () => {
    const queue = new MessageQueue()
    queue.put(queuedMessage({ sequence: 1 }))
    const { bytes } = queue
    queue.put(queuedMessage({ sequence: 1 }))
    expect([queue.count, queue.bytes]).toEqual([1, bytes])
  })

  it('finds the message behind any number without a walk from the beginning', () => {
    const queue = new MessageQueue()
    const length = 20_000
    let looked = 0
    // Odd numbers alone, so that no place can be guessed.
    for (let n = 0; n < length; n += 1) {
      const queued = queuedMessage({ sequence: 2 * n + 1 })
      queue.put(
        Object.defineProperty(queued, 'sequence', {
          get: () => {
            looked += 1
            return 2 * n + 1
          },
        }),
      )
    }
    looked = 0
    for (let n = 0; n < length; n += 100) expect(queue.read(2 * n, 1)).toHaveLength(1)
    queue.remove(length + 1)
    expect(queue.count).toBe(length - 1)
    // A binary search looks at fifteen, and the test itself at none.
    expect(looked / (length / 100 + 1)).toBeLessThan(20)
  })
})
