import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { eventually } from '../test/helpers/eventually.ts'
import { FakeProcess } from '../test/helpers/fake-process.ts'
import { main } from './main.ts'

// What happens while a system runs: run-system.test.ts; in a process of its own: test/integration/dev-loop.slow.test.ts.

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

test('--help goes to stdout: exit code 0', async () => {
  let out = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text
    return true
  })
  expect(await main(['--help'])).toBe(0)
  expect(out).toContain('Starts the system and runs it until a signal stops it.')
  expect(said).toBe('')
})

describe('a system that runs', () => {
  let host: FakeProcess
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    host = new FakeProcess()
  })
  afterEach(() => {
    vi.useRealTimers()
  })
  const start = async (): Promise<{ code: Promise<number> }> => {
    const code = main(['--config', config('export default {}')], {}, host)
    await eventually(() => expect(said).toContain('is running'))
    return { code }
  }

  test('ends with the code 0 after a signal, without force if nothing keeps the process open', async () => {
    const { code } = await start()
    host.signal('SIGTERM')
    expect(await code).toBe(0)
    expect(host.exitCode).toBe(0)
    expect(host.ends).toEqual([])
  })

  test('a resource that a component left open is named, and does not keep the process', async () => {
    const { code } = await start()
    host.signal('SIGINT')
    expect(await code).toBe(0)
    host.resources = ['PipeWrap', 'TTYWrap', 'Timeout', 'TCPServerWrap', 'Timeout']
    vi.advanceTimersByTime(1_000)
    expect(said).toContain('keeps the process from ending (Timeout, TCPServerWrap); ending it.')
    expect(said).toContain('"level":40')
    expect(host.ends).toEqual(['exit 0'])
  })
})
