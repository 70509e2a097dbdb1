import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { attacks } from '../../scripts/floods/attacks.ts'

const docs = resolve(import.meta.dirname, '../../docs')
const tests = resolve(import.meta.dirname, '../hardening')
const page = readFileSync(resolve(docs, 'hardening.md'), 'utf8')
const [attacked, floods] = page.split("## One client's flood does not delay another")
const rowsOf = (text: string): string[] => text.split('\n').filter((line) => /^\| (?!class|attack|-)/.test(line))
const rows = rowsOf(attacked!)
const floodRows = rowsOf(floods!.split('The table that')[0]!)

/** Every test that the text of a cell names exists. */
const expectTests = (cell: string): void => {
  for (const place of cell.split('; [')) {
    const [, file, titles] = place.match(/\]\(([^)]+)\): (.+)/)!
    const source = readFileSync(resolve(docs, file!), 'utf8')
    const named = [...titles!.matchAll(/“([^”]+)”/g)].map(([, title]) => title!)
    expect(named.length).toBeGreaterThan(0)
    expect(named.filter((title) => !source.includes(title))).toEqual([])
  }
}

test.each(rows.map((row) => [row.split('|')[1]!.trim(), row]))('hardening.md: the tests for %s exist', (_, row) => {
  expectTests(row.split('|')[3]!)
})

test('hardening.md has a row for each attack of npm run floods, with tests that exist', () => {
  const commands = floodRows.map((row) => row.match(/`npm run floods -- --attack ([a-z0-9-]+)` \|$/)?.[1])
  expect(commands).toEqual(attacks.map(({ name }) => name).filter((name) => name !== 'none'))
  for (const row of floodRows) expectTests(row.split(' | ')[3]!)
})

test('hardening.md names every file of test/hardening', () => {
  const files = readdirSync(tests).filter((file) => file.endsWith('.test.ts'))
  expect(files.filter((file) => !page.includes(`../test/hardening/${file}`))).toEqual([])
})
