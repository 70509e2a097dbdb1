import { expect, test } from 'vitest'
import { configDifferences } from './config-differences.ts'

class Rules {
  readonly #text: string
  constructor(text: string) {
    this.#text = text
  }
  get text(): string {
    return this.#text
  }
}
const same = () => 1
const rules = new Rules('a')

test.each<[string, unknown, unknown, readonly string[]]>([
  ['equal values', { a: [1, { b: 'x' }] }, { a: [1, { b: 'x' }] }, []],
  ['a number', { port: 1883 }, { port: 1884 }, ['config.port: 1883 → 1884']],
  ['a boolean', { on: true }, { on: false }, ['config.on: true → false']],
  ['a number that is not set any more', { port: 1 }, {}, ['config.port: 1 → unset']],
  ['a text, which may be a secret', { password: 'hunter2' }, { password: 'correct horse' }, ['config.password']],
  ['a number that becomes a text', { port: 1 }, { port: '/run/x' }, ['config.port']],
  ['an element', { rules: [{ allow: true }] }, { rules: [{ allow: false }] }, ['config.rules[0].allow: true → false']],
  ['the length of a list', { rules: ['a'] }, { rules: ['a', 'b'] }, ['config.rules: 1 → 2 entries']],
  ['several', { a: 1, b: 2, c: 3 }, { a: 2, b: 2, c: 4 }, ['config.a: 1 → 2', 'config.c: 3 → 4']],
  ['an object that becomes a list', { a: {} }, { a: [] }, ['config.a']],
  ['a config that is no object', 1, 2, ['config: 1 → 2']],
  ['NaN, which equals itself', { a: Number.NaN }, { a: Number.NaN }, []],
  ['a Map', { a: new Map([[1, 2]]) }, { a: new Map([[1, 3]]) }, ['config.a']],
  ['an equal Map', { a: new Map([[1, 2]]) }, { a: new Map([[1, 2]]) }, []],
  ['bytes', { a: Buffer.from('a') }, { a: Buffer.from('b') }, ['config.a']],
  ['the same function', { a: same }, { a: same }, []],
  ['another function', { a: () => 1 }, { a: () => 1 }, ['config.a cannot be compared']],
  ['the same instance', { a: rules }, { a: rules }, []],
  ['another instance', { a: new Rules('a') }, { a: new Rules('a') }, ['config.a cannot be compared']],
])('%s', (_, before, after, expected) => {
  expect(configDifferences(before, after, ['config'])).toEqual(expected)
})

test('instances that the schema made anew from the same text are no difference', () => {
  expect(configDifferences({ a: new Rules('a') }, { a: new Rules('a') }, ['config'], true)).toEqual([])
  expect(configDifferences({ a: new Rules('a'), b: 1 }, { a: new Rules('a'), b: 2 }, ['config'], true)).toEqual([
    'config.b: 1 → 2',
  ])
})

test('the list is bounded', () => {
  const zeros = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`k${index}`, 0]))
  const ones = Object.fromEntries(Object.keys(zeros).map((key) => [key, 1]))
  expect(configDifferences(zeros, ones)).toHaveLength(20)
})
