import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'

const docs = resolve(import.meta.dirname, '../../docs')
const tests = resolve(import.meta.dirname, '../hardening')
const page = readFileSync(resolve(docs, 'hardening.md'), 'utf8')
const rows = page.split('\n').filter((line) => /^\| (?!class|-)/.test(line))

test.each(rows.map((row) => [row.split('|')[1]!.trim(), row]))('hardening.md: the tests for %s exist', (_, row) => {
  const places = row.split('|')[3]!.split('; [')
  for (const place of places) {
    const [, file, titles] = place.match(/\]\(([^)]+)\): (.+)/)!
    const source = readFileSync(resolve(docs, file!), 'utf8')
    const named = [...titles!.matchAll(/“([^”]+)”/g)].map(([, title]) => title!)
    expect(named.length).toBeGreaterThan(0)
    expect(named.filter((title) => !source.includes(title))).toEqual([])
  }
})

test('hardening.md names every file of test/hardening', () => {
  const files = readdirSync(tests).filter((file) => file.endsWith('.test.ts'))
  expect(files.filter((file) => !page.includes(`../test/hardening/${file}`))).toEqual([])
})
