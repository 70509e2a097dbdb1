import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { attacks } from '../../scripts/attack/attacks.ts'
import { expectNamedTests } from '../helpers/named-tests.ts'

const page = readFileSync(resolve(import.meta.dirname, '../../docs/security.md'), 'utf8')
const [, shown = '', attacked = ''] = page.split(/## What the tests show|## Under attack/)
const rowsOf = (text: string): string[] =>
  text.split('\n').filter((line) => /^\| (?!property|figure|attack|-)/.test(line))

test.each(rowsOf(shown).map((row) => row.split(' | ')))('security.md: %s', (_property, tests) => {
  expectNamedTests(tests!)
})

test('security.md has figures of each attack of npm run attack', () => {
  const [, figures = ''] = attacked.split(/^\| attack \|.*$/m)
  expect(rowsOf(figures).map((row) => row.split(' | ')[0]!.slice(2))).toEqual(attacks.map(({ name }) => name))
})

test('the pages about security link to each other, and README to both', () => {
  const read = (file: string) => readFileSync(resolve(import.meta.dirname, '../..', file), 'utf8')
  for (const link of ['(secure.md)', '(hardening.md)', '(../SECURITY.md)']) expect(page).toContain(link)
  for (const link of ['(docs/secure.md)', '(docs/security.md)']) expect(read('README.md')).toContain(link)
  expect(read('SECURITY.md')).toContain('(docs/security.md)')
})
