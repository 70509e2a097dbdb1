import { expect, it } from 'vitest'
import { Change, expectEqual, expectSame, liveConfig, replacing, setting } from './change.ts'

it('takes back what was applied before a step that threw', () => {
  const target = { a: 1, b: 1 }
  const change = new Change([
    setting(target, { a: 2 }),
    () => {
      throw new Error('no')
    },
    setting(target, { b: 2 }),
  ])
  expect(() => change.commit()).toThrow('no')
  expect(target).toEqual({ a: 2, b: 1 })
  change.undo()
  expect(target).toEqual({ a: 1, b: 1 })
})

it('gives a live config all values of another one, and has none of those before left', () => {
  const first: { a: number; b?: number | undefined } = { a: 1, b: 2 }
  const live = liveConfig(first)
  const change = new Change([replacing(live, { a: 3 })])
  change.commit()
  expect(live).toEqual({ a: 3, b: undefined })
  expect(first).toEqual({ a: 1, b: 2 })
  change.undo()
  expect(live).toEqual({ a: 1, b: 2 })
})

it('names a value that has changed, and a neighbour that is another one', () => {
  const config = { a: [{ b: 1 }], url: new URL('http://a'), c: new Map() }
  expect(() => expectEqual(config, { ...config, a: [{ b: 1 }], url: new URL('http://a') }, 'a', 'url')).not.toThrow()
  expect(() => expectEqual(config, { ...config, url: new URL('http://b') }, 'a', 'url')).toThrow('url has changed')
  expect(() => expectEqual(config, { ...config, a: [{ b: 2 }] }, 'a')).toThrow('a has changed')
  expect(() => expectEqual(config, { ...config, c: new Map() }, 'c')).toThrow('c has changed')
  const logger = {}
  expect(() => expectSame({ logger }, { logger }, 'logger')).not.toThrow()
  expect(() => expectSame({ logger }, { logger: {} }, 'logger')).toThrow('logger is another instance')
})
