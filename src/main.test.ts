import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { main } from './main.ts'

// What happens once something runs needs a process of its own: test/integration/dev-loop.slow.test.ts.

let directory: string
let said: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'main-'))
  said = ''
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += text
    return true
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(directory, { recursive: true })
})

const config = (text: string): string => {
  const file = join(directory, 'system.config.mjs')
  writeFileSync(file, text)
  return file
}

test.each([
  ['an unknown option', ['--bogus'], "Unknown option '--bogus'"],
  ['a config file that does not exist', ['--config', 'absent.config.js'], 'There is no config file'],
])('%s: exit code 2', async (_what, args, message) => {
  expect(await main(args)).toBe(2)
  expect(said).toContain(message)
})

test.each([
  ['has no default export', 'export const system = {}', 'has no default export'],
  ['does not load', 'throw new TypeError("broken here")', 'TypeError: broken here'],
  ['is not valid', 'export default { server: {} }', 'server.component'],
])('a config that %s: exit code 2, and the file is named', async (_what, text, message) => {
  const file = config(text)
  expect(await main(['--config', file])).toBe(2)
  expect(said).toContain(message)
  expect(said).toContain(file)
})

test('a setting that is wrong: exit code 2', async () => {
  const file = config('export default {}')
  expect(await main(['--config', file, '--set', 'server.port=1'])).toBe(2)
  expect(said).toContain("there is no component 'server'")
})
