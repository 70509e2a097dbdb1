import { chmod, lstat, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { replaceFile } from './replace-file.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'replace-file-'))
  path = join(folder, 'users')
})
afterEach(() => rm(folder, { recursive: true }))

const append =
  (text: string) =>
  async (content: Uint8Array | undefined): Promise<Uint8Array> =>
    Buffer.concat([content ?? new Uint8Array(0), Buffer.from(text)])
const modeOf = async (file: string): Promise<number> => (await stat(file)).mode & 0o777
const read = (): Promise<string> => readFile(path, 'utf8')

it('makes a file for its owner alone, and leaves no draft', async () => {
  expect(await replaceFile(path, append('a'))).toBe(true)
  expect([await read(), await modeOf(path)]).toEqual(['a', 0o600])
  expect(await readdir(folder)).toEqual(['users'])
})

it('removes the rights of other users, and keeps those of the group', async () => {
  await writeFile(path, 'a')
  await chmod(path, 0o644)
  expect(await replaceFile(path, append('b'))).toBe(true)
  expect([await read(), await modeOf(path)]).toEqual(['ab', 0o640])
})

it('keeps a symbolic link, and replaces what it leads to', async () => {
  await writeFile(join(folder, 'target'), 'a')
  await symlink('target', path)
  await replaceFile(path, append('b'))
  expect((await lstat(path)).isSymbolicLink()).toBe(true)
  expect(await readFile(join(folder, 'target'), 'utf8')).toBe('ab')
})

it('starts again when another program changes the file meanwhile', async () => {
  await writeFile(path, 'a')
  const seen: string[] = []
  await replaceFile(path, async (content) => {
    seen.push(`${Buffer.from(content!)}`)
    if (seen.length === 1) await writeFile(path, 'their line')
    return append('+ ours')(content)
  })
  expect(seen).toEqual(['a', 'their line'])
  expect(await read()).toBe('their line+ ours')
})

it('fails when another program keeps changing the file', async () => {
  let count = 0
  const change = replaceFile(path, async () => {
    count += 1
    await writeFile(path, 'x'.repeat(count))
    return Buffer.from('ours')
  })
  await expect(change).rejects.toThrow('is being changed by another program')
  expect(await readdir(folder)).toEqual(['users'])
})

it('leaves the file as it is when there is nothing to change, or the change fails', async () => {
  await writeFile(path, 'a')
  const before = await stat(path)
  expect(await replaceFile(path, async () => undefined)).toBe(false)
  await expect(replaceFile(path, () => Promise.reject(new Error('bad line')))).rejects.toThrow('bad line')
  expect([await read(), (await stat(path)).ino]).toEqual(['a', before.ino])
  expect(await readdir(folder)).toEqual(['users'])
})

it('fails when the folder cannot be written', async () => {
  await expect(replaceFile(join(folder, 'absent', 'users'), append('a'))).rejects.toThrow(
    `${join(folder, 'absent', 'users')} cannot be changed: its folder does not exist`,
  )
  await expect(replaceFile(folder, append('a'))).rejects.toThrow(`${folder} cannot be changed: EISDIR`)
})
