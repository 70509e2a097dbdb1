import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'passwd-'))
  file = join(folder, 'users')
})
afterEach(() => rmSync(folder, { recursive: true }))

it('npm run passwd is what package.json runs', () => {
  const root = resolve(import.meta.dirname, '../..')
  const { scripts } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  const [program, ...args] = scripts['passwd']!.split(' ')
  expect(program).toBe('node')
  const options = { cwd: root, input: 'pencil\n', encoding: 'utf8' } as const
  const { status, stderr } = spawnSync(process.execPath, [...args, 'add', 'ann', '--file', file], options)
  expect([status, stderr]).toEqual([0, `ann was added to ${file}.\n`])
})
