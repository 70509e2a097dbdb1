import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import * as contracts from '../contract/index.ts'

const root = resolve(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(resolve(root, file), 'utf8')
const { exports } = JSON.parse(read('package.json')) as { exports: Readonly<Record<string, unknown>> }
const examples = readdirSync(resolve(root, 'examples'), { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => /\.(mjs|cjs|ts)$/.test(file))
/** The blocks of a page that begin with the name of an example, with what follows. */
const blocksOf = (page: string) =>
  [...read(page).matchAll(/^```[jt]s\n\/\/ ([\w/.-]+)\n([\s\S]*?)^```$/gm)]
    .map(([, file, text]) => [file!, text!] as const)
    .filter(([file]) => examples.includes(file))

test.each([
  ['README.md', 1],
  ['docs/embedding.md', 7],
  ['docs/writing-components.md', 10],
])('the examples that %s shows are the files of the folder', (page, count) => {
  const blocks = blocksOf(page)
  expect(blocks).toHaveLength(count)
  for (const [file, text] of blocks) expect(text, file).toBe(read(`examples/${file}`))
})

test('every example is shown on a page and listed in the folder', () => {
  const shown = new Set(['docs/embedding.md', 'docs/writing-components.md'].flatMap(blocksOf).map(([file]) => file))
  expect(examples.filter((file) => !shown.has(file))).toEqual([])
  const listed = read('examples/README.md')
  const programs = examples.filter((file) => !file.includes('/'))
  expect(programs.filter((file) => !listed.includes(`[${file}]`))).toEqual([])
})

test.each(['README.md', 'docs/embedding.md'])('%s names every export of the package', (page) => {
  const names = Object.keys(exports)
    .filter((name) => name !== './package.json')
    .map((name) => `mqtt-jig${name.slice(1).replace('*', 'NAME')}`)
  expect(names).toHaveLength(6)
  expect(names.filter((name) => !read(page).includes(`\`${name}\``))).toEqual([])
})

test('docs/writing-components.md names every contract suite', () => {
  const suites = Object.keys(contracts).filter((name) => name.endsWith('Contract'))
  expect(suites.length).toBeGreaterThan(5)
  expect(suites.filter((name) => !read('docs/writing-components.md').includes(`\`${name}\``))).toEqual([])
})

test('the compiler and vitest find the package by the same names as an installed one', () => {
  const { compilerOptions } = JSON.parse(read('tsconfig.json')) as {
    compilerOptions: { paths: Readonly<Record<string, readonly [string]>> }
  }
  const ofPackage = Object.entries(exports as Readonly<Record<string, { readonly default: string }>>)
    .filter(([name]) => name !== './package.json')
    .map(([name, target]) => [
      `mqtt-jig${name.slice(1)}`,
      [target.default.replace('./dist/', './').replace(/\.js$/, '.ts')],
    ])
  expect(compilerOptions.paths).toEqual(Object.fromEntries(ofPackage))
})
