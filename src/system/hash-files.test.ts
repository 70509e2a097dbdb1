import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { z } from 'zod'
import type { AnyComponent } from './component.ts'
import { defineComponent } from './define-system.ts'
import { hashFiles } from './hash-files.ts'
import { kind } from './kind.ts'
import { createSystem } from './lifecycle.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hash-files-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const hashOf = async (path: string): Promise<string | undefined> =>
  (await hashFiles({ reads: () => [path] } as unknown as AnyComponent, {})).get(path)

it('tells files of other content apart, and one that is missing', async () => {
  const path = join(folder, 'rules')
  expect(await hashOf(path)).toBe('unreadable: ENOENT')
  writeFileSync(path, 'one')
  const one = await hashOf(path)
  writeFileSync(path, 'two')
  expect(await hashOf(path)).not.toBe(one)
  writeFileSync(path, 'one')
  expect(await hashOf(path)).toBe(one)
})

it('does not read a large file, and notes its size', async () => {
  const path = join(folder, 'large')
  writeFileSync(path, '')
  truncateSync(path, 17 * 1024 ** 2)
  expect(await hashOf(path)).toMatch(/^17825792 bytes of /)
})

it.skipIf(process.platform === 'win32')('does not wait for what is no file', async () => {
  const path = join(folder, 'pipe')
  execFileSync('mkfifo', [path])
  expect(await hashOf(path)).toBe('unreadable: no file')
})

it('without files, or if the names of the files cannot be had, there are no hashes', async () => {
  expect((await hashFiles({} as AnyComponent, {})).size).toBe(0)
  const reads = () => {
    throw new Error('no names')
  }
  expect((await hashFiles({ reads } as unknown as AnyComponent, {})).size).toBe(0)
})

it('a file that a component makes when it starts is no change, and one that is written later is', async () => {
  const path = join(folder, 'token')
  const token = defineComponent({
    provides: kind<{ readonly token: string }>()('Token'),
    needs: {},
    config: z.strictObject({}),
    reads: () => [path],
    start: () => {
      writeFileSync(path, 'made')
      return { token: readFileSync(path, 'utf8') }
    },
  })
  const system = createSystem({ token: { component: token } })
  await system.start()
  const verdict = async () => (await system.plan({ token: { component: token } })).parts[0]?.verdict
  expect(await verdict()).toBe('keep')
  writeFileSync(path, 'another')
  expect(await verdict()).toBe('restart')
  await system.stop()
})
