import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readBoundedFile } from './read-bounded-file.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bounded-'))
})
afterAll(() => rm(folder, { recursive: true }))

it('reads a file that is as large as the limit, and an empty one', async () => {
  const path = join(folder, 'file')
  for (const text of ['x'.repeat(1_000), '']) {
    await writeFile(path, text)
    expect((await readBoundedFile(path, 1_000)).content.toString()).toBe(text)
  }
})

it('refuses a larger file, and names the file and the limit', async () => {
  const path = join(folder, 'large')
  await writeFile(path, 'x'.repeat(1_001))
  await expect(readBoundedFile(path, 1_000)).rejects.toThrow(`${path} has more than 1000 bytes`)
  await expect(readBoundedFile(path, 1_000, 'maximumBytes')).rejects.toThrow('1000 bytes (maximumBytes)')
})

it.skipIf(process.platform === 'win32')('refuses a device that never ends', async () => {
  await expect(readBoundedFile('/dev/zero', 100_000)).rejects.toThrow('more than 100000 bytes')
})

it('throws what the file system throws for a missing file', async () => {
  await expect(readBoundedFile(join(folder, 'missing'), 10)).rejects.toMatchObject({ code: 'ENOENT' })
})
