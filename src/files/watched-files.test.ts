import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { WatchedFiles } from './watched-files.ts'

let folder: string
let watched: WatchedFiles | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'watched-files-'))
})
afterEach(async () => {
  watched?.stop()
  await rm(folder, { recursive: true })
})

const watch = async (...names: string[]): Promise<{ changes: number; look(): Promise<void> }> => {
  const seen = { changes: 0, look: async () => watched!.look() }
  const paths = names.map((name) => join(folder, name))
  watched = new WatchedFiles(paths, () => (seen.changes += 1), { intervalMs: 1_000_000 })
  await watched.look()
  return seen
}

it('a file that stays the same is no change', async () => {
  await writeFile(join(folder, 'a'), 'one')
  const seen = await watch('a')
  await seen.look()
  expect(seen.changes).toBe(0)
})

it('a file that is written, replaced by a rename, removed or made is a change', async () => {
  await writeFile(join(folder, 'a'), 'one')
  const seen = await watch('a')
  await writeFile(join(folder, 'a'), 'three')
  await seen.look()
  expect(seen.changes).toBe(1)
  await writeFile(join(folder, 'b'), 'three')
  await rename(join(folder, 'b'), join(folder, 'a'))
  await seen.look()
  expect(seen.changes).toBe(2)
  await rm(join(folder, 'a'))
  await seen.look()
  expect(seen.changes).toBe(3)
  await writeFile(join(folder, 'a'), 'three')
  await seen.look()
  expect(seen.changes).toBe(4)
})

it('a symbolic link that leads to another file is a change', async () => {
  await writeFile(join(folder, 'one'), 'text')
  await writeFile(join(folder, 'two'), 'text')
  await symlink('one', join(folder, 'link'))
  const seen = await watch('link')
  await symlink('two', join(folder, 'new'))
  await rename(join(folder, 'new'), join(folder, 'link'))
  await seen.look()
  expect(seen.changes).toBe(1)
})
