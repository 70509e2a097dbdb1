import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createPlainLoader } from './plain-loader.ts'

let directory: string
let clock = 0
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'plain-loader-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const write = (name: string, text: string): string => {
  const file = join(directory, name)
  writeFileSync(file, text)
  clock += 1
  utimesSync(file, 1_000_000 + clock, 1_000_000 + clock)
  return file
}

test('the config file is read again when it has changed', async () => {
  const entry = write('system.config.mjs', 'export default { version: 1 }')
  const loader = createPlainLoader(entry)
  expect(loader.isStale()).toBe(true)
  expect(await loader.load()).toEqual({ config: { version: 1 }, changed: [] })
  expect(loader.isStale()).toBe(false)
  expect(await loader.load()).toEqual({ config: { version: 1 }, changed: [] })
  write('system.config.mjs', 'export default { version: 2 }')
  expect(loader.isStale()).toBe(true)
  expect(await loader.load()).toEqual({ config: { version: 2 }, changed: ['system.config.mjs'] })
})

test('a config that does not load is an error with its name, and the next load tries again', async () => {
  const entry = write('system.config.mjs', 'throw new RangeError("at the top")')
  const loader = createPlainLoader(entry)
  await expect(loader.load()).rejects.toMatchObject({
    code: 'LOAD_FAILED',
    message: 'system.config.mjs: RangeError: at the top',
  })
  expect(loader.isStale()).toBe(true)
  await expect(loader.load()).rejects.toMatchObject({ code: 'LOAD_FAILED' })
  write('system.config.mjs', 'export default {}')
  expect(await loader.load()).toEqual({ config: {}, changed: ['system.config.mjs'] })
})
