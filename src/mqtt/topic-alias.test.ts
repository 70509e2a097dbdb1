import { expect, it } from 'vitest'
import { IncomingTopicAliases, MAXIMUM_ALIAS_BYTES, OutgoingTopicAliases } from './topic-alias.ts'

it('a topic gets an alias when it is sent often enough, and is known by it once that was introduced', () => {
  const aliases = new OutgoingTopicAliases(1, 3)
  expect([1, 2, 3].map(() => aliases.propose('busy'))).toEqual([0, 0, 1])
  // It was not sent after all, and is proposed again.
  expect([aliases.get('busy'), aliases.propose('busy')]).toEqual([0, 1])
  aliases.introduced('busy', 1)
  expect(aliases.get('busy')).toBe(1)
  expect([1, 2, 3].map(() => aliases.propose('other'))).toEqual([0, 0, 0])
})

it('topics that would cost much memory are not counted', () => {
  const aliases = new OutgoingTopicAliases(9, 1)
  expect(aliases.propose('x'.repeat(1_024))).toBe(1)
  expect(aliases.propose('x'.repeat(1_025))).toBe(0)
})

it('the topics of a client have a common bound, within which a topic of any length fits and may be changed', () => {
  const aliases = new IncomingTopicAliases(3)
  const longest = Buffer.alloc(65_535, 'x')
  expect(aliases.set(1, longest)).toBe(true)
  expect(aliases.set(1, longest)).toBe(true)
  expect(aliases.set(2, Buffer.alloc(MAXIMUM_ALIAS_BYTES - longest.length + 1))).toBe(false)
  expect(aliases.get(2)).toBeUndefined()
  expect(aliases.set(1, Buffer.from('short'))).toBe(true)
  expect(aliases.set(2, Buffer.alloc(60_000))).toBe(true)
})
