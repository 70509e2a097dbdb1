import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { topicFilter, topicName } from '../../test/helpers/arbitrary-topics.ts'
import { runs } from '../../test/helpers/full-run.ts'
import { naiveMatch } from '../../test/helpers/naive-match.ts'
import { Message } from './message.ts'
import { PackedMessage } from './packed-message.ts'
import { RetainedMessages, retainedCost } from './retained-messages.ts'
import { SearchState } from './retained-search.ts'

const UNLIMITED = { maximumMessages: Number.POSITIVE_INFINITY, maximumBytes: Number.POSITIVE_INFINITY }

const retainedOn = (topic: string, payloadLength = 1): Message =>
  Message.of({ topic, payload: Buffer.alloc(payloadLength), retain: true })

const matching = (retained: RetainedMessages, filter: string): string[] => {
  const search = retained.search(filter, Number.POSITIVE_INFINITY)
  while (search.state === SearchState.Going) search.step(3)
  return search.numbers.map((number) => retained.at(number, 0)!.topic).sort()
}

describe('a packed message that is added', () => {
  const packed = (topic: string, payload = topic): PackedMessage => {
    const { length } = Buffer.from(topic)
    const bytes = Buffer.from(topic + payload)
    const lengths = { topic: length, properties: 0, payload: bytes.length - length }
    return PackedMessage.of(bytes, 0, lengths, { qos: 1, retain: true })!
  }

  it('is found as others are, in any order of topics and between removals', () => {
    const step = fc.record({ topic: topicName, does: fc.constantFrom('pack', 'pack', 'pack', 'set', 'delete') })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.boolean(), topicFilter, (steps, inOrder, filter) => {
        const retained = new RetainedMessages(UNLIMITED)
        const expected = new Map<string, string>()
        const sorted = inOrder ? steps.toSorted((a, b) => (a.topic < b.topic ? -1 : 1)) : steps
        for (const { topic, does } of sorted) {
          const before = expected.get(topic)
          if (does === 'delete') {
            expect(retained.delete(topic)).toBe(expected.delete(topic))
          } else if (does === 'set') {
            retained.set(retainedOn(topic))
            expected.set(topic, String.fromCharCode(0))
          } else {
            expect(retained.addPacked(packed(topic))).toBe(before === undefined ? 'added' : 'has-message')
            if (before === undefined) expected.set(topic, topic)
          }
        }
        expect(retained.count).toBe(expected.size)
        const topics = [...expected.keys()].filter((topic) => naiveMatch(filter, topic)).sort()
        const { numbers } = retained.walk(filter, 0, retained.lastNumber, { looked: 1_000, found: 1_000 })
        expect(numbers.map((number) => retained.at(number, 0)!.topic).sort()).toEqual(topics)
        expect(matching(retained, filter)).toEqual(topics)
        for (const [topic, payload] of expected) expect(retained.get(topic, 0)!.payload.toString()).toBe(payload)
      }),
      { numRuns: runs(200) },
    )
  })

  it('is the same object each time it is asked for, and counts as much as another', () => {
    const retained = new RetainedMessages(UNLIMITED)
    retained.addPacked(packed('a/b'), 0)
    expect(retained.bytes).toBe(retainedCost(retainedOn('a/b', 3)))
    const message = retained.get('a/b', 0)
    expect(retained.get('a/b', 0)).toBe(message)
    expect(retained.delete('a/b')).toBe(true)
    expect([retained.bytes, retained.count]).toEqual([0, 0])
  })

  it('keeps no memory of other messages in memory when it is asked for', () => {
    const retained = new RetainedMessages(UNLIMITED)
    retained.addPacked(packed('a/b'))
    const { bytes, size } = retained.get('a/b', 0)!
    expect([bytes.length, bytes.buffer.byteLength]).toEqual([size, size])
  })

  it('is found below a node that was made after a removal', () => {
    const retained = new RetainedMessages(UNLIMITED)
    for (const topic of ['a/b/c', 'a/b/d']) retained.addPacked(packed(topic))
    retained.delete('a/b/d')
    retained.addPacked(packed('a/b/e'))
    expect(['a/b/c', 'a/b/d', 'a/b/e'].map((topic) => retained.has(topic))).toEqual([true, false, true])
  })

  it('has no room beyond the limits, which count other memory as well', () => {
    const cost = retainedCost(retainedOn('a'))
    const retained = new RetainedMessages({ maximumMessages: 2, maximumBytes: 3 * cost })
    expect(retained.addPacked(packed('a'), 2 * cost + 1)).toBe('no-room')
    expect(retained.addPacked(packed('a'), 2 * cost)).toBe('added')
    expect(retained.addPacked(packed('b'))).toBe('added')
    expect([retained.addPacked(packed('c')), retained.addPacked(packed('b'))]).toEqual(['no-room', 'has-message'])
  })
})
