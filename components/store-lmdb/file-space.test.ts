import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Database } from './database.ts'
import { Environment } from './environment.ts'
import { type GrowingFile, makeSpace, type Writing } from './file-space.ts'
import { Operations } from './operations.ts'

let path: string
let file: string
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'file-space-'))
  file = join(path, 'data.mdb')
})
afterEach(() => rmSync(path, { recursive: true, force: true }))

type Change = readonly [key: number, bytes: number | undefined]

/** @param changes a number of bytes is a put, undefined a removal. */
const operationsOf = (changes: readonly Change[]): Operations => {
  const operations = new Operations()
  for (const [key, bytes] of changes) {
    operations.beginKey()
    operations.writer.u32(key + 1)
    if (bytes === undefined) operations.endRemoval()
    else {
      operations.beginValue()
      operations.writer.put(Buffer.alloc(bytes, key))
      operations.endPut()
    }
  }
  return operations
}

/** How long the file is when LMDB begins to write. */
const sizesBefore = (database: Database): number[] => {
  const sizes: number[] = []
  const batch = database.batch.bind(database)
  database.batch = (action) => {
    sizes.push(statSync(file).size)
    return batch(action)
  }
  return sizes
}

const changes = fc.array(
  fc.tuple(fc.nat(5_000), fc.option(fc.oneof(fc.nat(50), fc.nat(3_000), fc.nat(100_000)), { nil: undefined, freq: 3 })),
  { minLength: 1, maxLength: 200, size: 'max' },
)

it('LMDB never makes the file longer: it is long enough before each commit', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(changes, { minLength: 1, maxLength: 8 }), fc.boolean(), async (batches, hasReader) => {
      rmSync(path, { recursive: true, force: true })
      const environment = Environment.open(path)
      const sizes = sizesBefore(environment.database)
      // One that reads an old state keeps free pages from being used.
      const reader = hasReader ? environment.database.getKeys({ start: Buffer.from([0]), end: Buffer.from([255]) }) : []
      const reading = reader[Symbol.iterator]()
      reading.next()
      for (const batch of batches) {
        await environment.commit(operationsOf(batch))
        expect(statSync(file).size).toBe(sizes.at(-1))
      }
      reading.return?.()
      await environment.close()
    }),
    { numRuns: 20 },
  )
})

it('a file stays as long as it is while its pages are used again', async () => {
  const environment = Environment.open(path)
  const sizes = sizesBefore(environment.database)
  for (let round = 0; round < 100; round += 1) await environment.commit(operationsOf([[round % 3, 1_000]]))
  expect(new Set(sizes.slice(3)).size).toBe(1)
  await environment.close()
})

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

it.each([
  ['entries all over a large file', range(4_000).map((key): Change => [key, 1_900]), range(1_000).map((n) => n * 4)],
  ['values that fill little more than half of a page', [], range(600)],
])('it is long enough for %s', async (_what, before, keys) => {
  const environment = Environment.open(path)
  if (before.length > 0) await environment.commit(operationsOf(before))
  const sizes = sizesBefore(environment.database)
  await environment.commit(operationsOf(keys.map((key): Change => [key, 2_100])))
  expect(statSync(file).size).toBe(sizes.at(-1))
  await environment.close()
})

describe('a file that cannot grow', () => {
  const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
  let handle: FileHandle
  /** Writes no more than so many bytes. */
  let room: number
  let growing: GrowingFile & { readonly appendFile: ReturnType<typeof vi.fn> }
  const unknown = () => Promise.resolve(undefined)
  const small: Writing = { count: 1, bytes: 100, keepFree: 0, isUrgent: false }
  const large: Writing = { ...small, bytes: 10_000_000 }
  const removals: Writing = { count: 2_000, bytes: 0, keepFree: 0, isUrgent: true }

  /** @returns bytes of the pages that LMDB has used. */
  const prepare = async (...batches: readonly (readonly Change[])[]): Promise<number> => {
    const environment = Environment.open(path)
    for (const batch of batches) await environment.commit(operationsOf(batch))
    const { lastPageNumber, pageSize } = environment.statistics
    await environment.close()
    handle = await open(file, 'a+')
    return (lastPageNumber + 1) * pageSize
  }
  beforeEach(() => {
    room = 0
    const appendFile = vi.fn(async (bytes: Buffer): Promise<void> => {
      await handle.appendFile(bytes.subarray(0, room))
      if (room < bytes.length) throw full
    })
    growing = {
      get fd() {
        return handle.fd
      },
      appendFile,
    }
  })
  afterEach(() => handle.close())
  const grown = async (before: number) => (await handle.stat()).size - before

  it('refuses a commit that needs more, and takes one that has enough', async () => {
    await prepare([[1, 100]])
    await makeSpace(growing, unknown, small)
    expect(growing.appendFile).not.toHaveBeenCalled()
    await expect(makeSpace(growing, unknown, large)).rejects.toBe(full)
  })

  it('takes a commit if it could grow as far as that needs, and no further', async () => {
    await prepare([[1, 100]])
    const { size } = await handle.stat()
    room = 19_700_000
    await expect(makeSpace(growing, unknown, large)).rejects.toBe(full)
    await handle.truncate(size)
    room = 19_800_000
    await makeSpace(growing, unknown, large)
    expect(await grown(size)).toBe(room)
  })

  it('takes removals all over it: they have a reserve', async () => {
    const used = await prepare(range(4_000).map((key): Change => [key, 1_900]))
    await handle.truncate(used)
    await handle.appendFile(Buffer.alloc(256 * 1024))
    await expect(makeSpace(growing, unknown, small)).rejects.toBe(full)
    await makeSpace(growing, unknown, removals)
    expect(growing.appendFile).toHaveBeenCalledOnce()
    room = 1e9
    await handle.truncate(used)
    await makeSpace(growing, unknown, removals)
    expect(await grown(used)).toBeLessThan(256 * 1024)
  })

  it('takes a commit for which it has free pages', async () => {
    const keys = range(4_000)
    const used = await prepare(
      keys.map((key): Change => [key, 1_900]),
      keys.map((key): Change => [key, undefined]),
      [[1, 1]],
    )
    await handle.truncate(used)
    await makeSpace(growing, unknown, { ...small, bytes: 1_000_000 })
    await expect(makeSpace(growing, unknown, large)).rejects.toBe(full)
  })

  it('writes nothing when less than is wanted would stay free', async () => {
    await prepare([[1, 100]])
    const refused = makeSpace(growing, () => Promise.resolve(30_000_000), { ...large, keepFree: 16_000_000 })
    await expect(refused).rejects.toThrow('less than minimumFreeBytes (16000000) would stay free')
    expect(growing.appendFile).not.toHaveBeenCalled()
  })

  it('grows ahead only as far as enough stays free', async () => {
    await prepare([[1, 100]])
    const { size } = await handle.stat()
    room = 1e9
    await makeSpace(growing, () => Promise.resolve(35_900_000), { ...large, keepFree: 16_000_000 })
    expect(await grown(size)).toBe(19_900_000)
    await makeSpace(growing, unknown, { ...large, bytes: 20_000_000 })
    expect(await grown(size)).toBeGreaterThan(39_000_000)
  })
})
