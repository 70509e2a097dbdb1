import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import type { StoreResult } from './report.ts'

const root = resolve(import.meta.dirname, '../..')

const benchStore = (...args: string[]) =>
  spawnSync(process.execPath, ['scripts/run.mjs', 'bench/store/main.ts', ...args], { cwd: root, encoding: 'utf8' })

test('the command measures a small store, of which nothing is lost', () => {
  const small = ['--sessions', '300', '--messages', '3', '--retained', '12000', '--rounds', '1', '--repetitions', '2']
  const { status, stdout, stderr } = benchStore(...small, '--json', '-')
  expect(stderr).toContain('A store of 300 sessions with 3 messages each, and 12000 retained messages')
  expect(status).toBe(0)
  const { rounds, fanOut } = JSON.parse(stdout) as StoreResult
  expect(rounds).toHaveLength(1)
  // Sessions, the two subscriptions of each, their messages, retained messages, and what the file says about itself.
  expect(rounds[0]!.scan.rows).toBe(300 + 600 + 900 + 12_000 + 1)
  expect(rounds[0]!.start.ready.wallMs).toBeGreaterThan(0)
  expect(fanOut).toHaveLength(2)
})

test('the command reports a mistake in its options', () => {
  const { status, stderr } = benchStore('--retained', 'many')
  expect(status).toBe(2)
  expect(stderr).toContain("--retained takes a whole number from 1 to 50000000, not 'many'")
})
