import { closeSync, existsSync, mkdtempSync, openSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Database } from './database.ts'
import { Environment } from './environment.ts'
import { makeSpace } from './file-space.ts'
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
  { minLength: 1, maxLength: 200 },
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

describe.skipIf(!existsSync('/dev/full'))('when the disk is full', () => {
  let descriptor: number
  beforeEach(async () => {
    const environment = Environment.open(path)
    await environment.commit(operationsOf(Array.from({ length: 100 }, (_, key) => [key, 100])))
    await environment.close()
    descriptor = openSync(file, 'r')
  })
  afterEach(() => closeSync(descriptor))

  it('a commit that needs more space is refused, and one that has it is not', async () => {
    const writing = { count: 1, keepFree: 0, isUrgent: false }
    await makeSpace('/dev/full', descriptor, { ...writing, bytes: 100 })
    const refused = makeSpace('/dev/full', descriptor, { ...writing, bytes: 10_000_000 })
    await expect(refused).rejects.toThrow('ENOSPC')
  })

  it('removals may take the last reserve', async () => {
    truncateSync(file, statSync(file).size - 400 * 1024)
    const removal = { count: 1, bytes: 4, keepFree: 0 }
    await expect(makeSpace('/dev/full', descriptor, { ...removal, isUrgent: false })).rejects.toThrow('ENOSPC')
    await makeSpace('/dev/full', descriptor, { ...removal, isUrgent: true })
  })
})

describe('a file that may not take all of the disk', () => {
  const keepingFree = async (keepFree: (free: number) => number) => {
    const environment = Environment.open(path)
    await environment.commit(operationsOf([[1, 100]]))
    const { size } = statSync(file)
    const free = (await environment.freeBytes())!
    const operations = operationsOf(Array.from({ length: 100 }, (_, key) => [key, 10_000]))
    const committed = environment.commit(operations, { keepFree: keepFree(free) })
    const isRefused = await committed.then(
      () => undefined,
      (error: Error) => error.message,
    )
    await environment.close()
    return { isRefused, grown: statSync(file).size - size }
  }

  it('grows while as much stays free as is wanted', async () => {
    const { isRefused, grown } = await keepingFree((free) => free / 2)
    expect(isRefused).toBeUndefined()
    expect(grown).toBeGreaterThan(1_000_000)
  })

  it('does not grow when less would stay free, and says so', async () => {
    const { isRefused, grown } = await keepingFree((free) => free * 2)
    expect(isRefused).toMatch(/data\.mdb cannot grow: less than minimumFreeBytes \(\d+\) would stay free$/)
    expect(grown).toBe(0)
  })
})
