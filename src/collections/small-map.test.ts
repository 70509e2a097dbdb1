import fc from 'fast-check'
import { expect, it } from 'vitest'
import { SmallMap } from './small-map.ts'

it('a small map does what a Map does, through any history', () => {
  const step = fc.record({ key: fc.constantFrom('', 'a', 'b', '__proto__'), remove: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const map = new SmallMap<string, { index: number }>()
      const model = new Map<string, { index: number }>()
      for (const [index, { key, remove }] of steps.entries()) {
        const value = { index }
        if (remove) {
          expect(map.delete(key)).toBe(model.delete(key))
        } else {
          map.set(key, value)
          model.set(key, value)
        }
        expect(map.get(key)).toBe(model.get(key))
        expect(map.size).toBe(model.size)
        expect([...map.values()]).toEqual([...model.values()])
      }
    }),
  )
})
