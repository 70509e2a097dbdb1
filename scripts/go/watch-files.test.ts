import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type FileWatch, isWatched, watchFiles } from './watch-files.ts'

let directory: string
let files: FileWatch
let calls: number
let called: () => void

/** Resolves at the next call back. */
const change = (): Promise<void> =>
  new Promise((resolve) => {
    called = resolve
  })

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'watch-'))
  mkdirSync(join(directory, 'deep/deeper'), { recursive: true })
  mkdirSync(join(directory, 'node_modules'))
  writeFileSync(join(directory, 'deep/deeper/file.ts'), '1')
  calls = 0
  called = () => {}
  files = watchFiles(
    [directory],
    () => {
      calls += 1
      called()
    },
    (error) => {
      throw error
    },
  )
})
afterEach(() => {
  files.close()
  rmSync(directory, { recursive: true })
})

test('calls back once for a save, at any depth, however the editor saves', async () => {
  let changed = change()
  writeFileSync(join(directory, 'deep/deeper/file.ts'), '2')
  writeFileSync(join(directory, 'other.ts'), '2')
  await changed
  expect(calls).toBe(1)
  for (const content of ['3', '4']) {
    changed = change()
    writeFileSync(join(directory, 'deep/deeper/file.ts.tmp'), content)
    renameSync(join(directory, 'deep/deeper/file.ts.tmp'), join(directory, 'deep/deeper/file.ts'))
    await changed
  }
})

test('a folder made later is watched', async () => {
  let changed = change()
  mkdirSync(join(directory, 'new'))
  await changed
  changed = change()
  writeFileSync(join(directory, 'new/file.ts'), '1')
  await changed
})

test('a folder that was removed and is made again is watched again', async () => {
  let changed = change()
  rmSync(join(directory, 'deep'), { recursive: true })
  await changed
  changed = change()
  mkdirSync(join(directory, 'deep'))
  await changed
  changed = change()
  writeFileSync(join(directory, 'deep/file.ts'), '1')
  await changed
})

test('what is installed, generated, hidden or a backup does not count', () => {
  const names = ['node_modules', 'dist', 'coverage', '.git', '.file.ts.swp', 'file.ts~', 'file.ts', 'components']
  expect(names.filter(isWatched)).toEqual(['file.ts', 'components'])
})
