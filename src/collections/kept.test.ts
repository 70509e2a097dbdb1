import { expect, it, vi } from 'vitest'
import { kept } from './kept.ts'

it('a kept place has the same state for every version of the code', async () => {
  const first = kept('kept.test first', () => ({ count: 1 }))
  first.count = 2
  vi.resetModules()
  const { kept: keptAnew } = await import('./kept.ts')
  expect(keptAnew).not.toBe(kept)
  expect(keptAnew('kept.test first', () => ({ count: 1 }))).toBe(first)
  expect(first.count).toBe(2)
})

it('places with different names have a state each', () => {
  expect(kept('kept.test one', () => ({}))).not.toBe(kept('kept.test other', () => ({})))
})

it('messages have new serial numbers after message.ts was reloaded', async () => {
  vi.resetModules()
  const before = (await import('../mqtt/message.ts')).Message.of({ topic: 'a' })
  vi.resetModules()
  const after = (await import('../mqtt/message.ts')).Message.of({ topic: 'a' })
  expect(after.constructor).not.toBe(before.constructor)
  expect(after.serial).toBeGreaterThan(before.serial)
})
