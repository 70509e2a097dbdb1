import { expect, test } from 'vitest'
import { table } from './output.ts'

test('a table has as many lines as a broker has clients', () => {
  const items = Array.from({ length: 300_000 }, (_, index) => ({ id: `client-${index}` }))
  const lines = table(items, [{ title: 'CLIENT', of: ({ id }: { readonly id: string }) => id }]).split('\n')
  expect(lines).toHaveLength(300_002)
  expect(lines.at(-2)).toBe('client-299999')
})
