import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { logPage } from '../../scripts/log-examples.ts'

const page = resolve(import.meta.dirname, '../../docs/log.md')

test('docs/log.md has the lines that the broker writes: npm run log-examples renews them', async () => {
  expect(await logPage()).toBe(readFileSync(page, 'utf8'))
})
