import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '..')

const bench = (...args: string[]) =>
  spawnSync(process.execPath, ['scripts/run.mjs', 'bench/main.ts', ...args], { cwd: root, encoding: 'utf8' })

test('the command lists its cases, and reports unknown cases', () => {
  const list = bench('--list')
  expect(list.status).toBe(0)
  expect(list.stdout).toMatch(/^qos0-pairs +10 publishers/m)
  expect(list.stdout).toMatch(/^soak-load .*\(on request\)$/m)
  const unknown = bench('--case', 'qos0-pairs,qos3-*')
  expect(unknown).toMatchObject({ status: 2, stdout: '' })
  expect(unknown.stderr).toContain("There is no case 'qos3-*'")
  expect(bench('--rounds', 'x').status).toBe(2)
})
