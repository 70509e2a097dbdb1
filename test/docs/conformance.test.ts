import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { testFiles } from '../../scripts/conformance/read-tests.ts'
import { conformancePage, conformanceProblems } from '../../scripts/conformance.ts'

const root = resolve(import.meta.dirname, '../..')
const folder = join(root, 'test/conformance')

test('every statement is named by a test or listed with a reason, and none both', () => {
  expect(conformanceProblems()).toEqual([])
})

test('docs/conformance.md is what `npm run conformance` writes', () => {
  expect(readFileSync(join(root, 'docs/conformance.md'), 'utf8')).toBe(conformancePage())
})

test.each(testFiles(folder))('no test of %s is left out: what a title says is proven', (file) => {
  expect(readFileSync(join(folder, file), 'utf8')).not.toMatch(/\.(skip|only|todo|fails)\b/)
})

test('an id stands where the page finds it: in a title in single quotes', () => {
  for (const file of testFiles(folder)) {
    const source = readFileSync(join(folder, file), 'utf8')
    // An id in another kind of string would not be counted.
    expect(source.match(/["`][^"`'\n]*\[(?:3\.1\.1 )?MQTT-/)).toBeNull()
  }
})
