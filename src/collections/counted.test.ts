import { expect, it } from 'vitest'
import { counted } from './counted.ts'

it('a count has its noun in the singular only for 1', () => {
  expect([0, 1, 2].map((count) => counted(count, 'rule'))).toEqual(['0 rules', '1 rule', '2 rules'])
  expect(counted(2, 'entry', 'entries')).toBe('2 entries')
})
