import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '..')
let directory: string

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'plan-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

const plan = (...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> =>
  new Promise((done) => {
    const command = [join(root, 'scripts/run.mjs'), join(root, 'scripts/plan.ts'), ...args]
    execFile(
      process.execPath,
      command,
      { cwd: root, env: { ...process.env, NO_COLOR: '1' } },
      (error, stdout, stderr) => done({ code: error?.code ?? 0, stdout, stderr }),
    )
  })

test('says what a start does, in order, and draws it', { timeout: 120_000 }, async () => {
  const file = join(directory, 'plan.json')
  const { code, stdout, stderr } = await plan('--config', 'memory.config.ts', '--file', file)
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^logger +start +Logger/m)
  expect(stdout.indexOf('logger ')).toBeLessThan(stdout.indexOf('server '))
  const { nodes } = JSON.parse(readFileSync(file, 'utf8')) as { nodes: { name: string; planned?: object }[] }
  expect(nodes.find(({ name }) => name === 'server')?.planned).toMatchObject({ verdict: 'start' })
})

test('a config with problems, and a file of no known format', { timeout: 120_000 }, async () => {
  const wrong = await plan('--set', 'server.port=99999')
  expect(wrong.code).toBe(1)
  expect(wrong.stderr).toContain('server.config.port')
  expect((await plan('--file', 'plan.txt')).code).toBe(2)
})
