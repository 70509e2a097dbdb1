import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { attacks } from '../../scripts/floods/attacks.ts'
import { expectNamedTests } from '../helpers/named-tests.ts'

const docs = resolve(import.meta.dirname, '../../docs')
const tests = resolve(import.meta.dirname, '../hardening')
const page = readFileSync(resolve(docs, 'hardening.md'), 'utf8')
const [attacked, floods] = page.split("## One client's flood does not delay another")
const rowsOf = (text: string): string[] => text.split('\n').filter((line) => /^\| (?!class|attack|-)/.test(line))
const rows = rowsOf(attacked!)
const floodRows = rowsOf(floods!.split('The table that')[0]!)

test.each(rows.map((row) => [row.split('|')[1]!.trim(), row]))('hardening.md: the tests for %s exist', (_, row) => {
  expectNamedTests(row.split('|')[3]!)
})

test('hardening.md has a row for each attack of npm run floods, with tests that exist', () => {
  const commands = floodRows.map((row) => row.match(/`npm run floods -- --attack ([a-z0-9-]+)` \|$/)?.[1])
  expect(commands).toEqual(attacks.map(({ name }) => name).filter((name) => name !== 'none'))
  for (const row of floodRows) expectNamedTests(row.split(' | ')[3]!)
})

test('hardening.md names every file of test/hardening', () => {
  const files = readdirSync(tests).filter((file) => file.endsWith('.test.ts'))
  expect(files.filter((file) => !page.includes(`../test/hardening/${file}`))).toEqual([])
})
