import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkPages } from './check-pages.ts'
import { Environment } from './environment.ts'
import { Operations, type OperationTarget } from './operations.ts'

let path: string
let file: string
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'check-pages-'))
  file = join(path, 'data.mdb')
})
afterEach(() => rmSync(path, { recursive: true, force: true }))

const operationsOf = (change: (operations: Operations) => void): Operations => {
  const operations = new Operations()
  change(operations)
  return operations
}
const put = (operations: Operations, number: number, bytes: number): void => {
  operations.beginKey()
  operations.writer.u32(number)
  operations.beginValue()
  operations.writer.put(Buffer.alloc(bytes))
  operations.endPut()
}

/** A file with branch pages. */
const fill = async (): Promise<{ pageSize: number; lastPageNumber: number; root: number }> => {
  const environment = Environment.open(path)
  await environment.commit(
    operationsOf((operations) => {
      for (let number = 1; number <= 5_000; number += 1) put(operations, number, 100)
    }),
  )
  const { pageSize, lastPageNumber, treeDepth } = environment.statistics
  expect(treeDepth).toBeGreaterThan(1)
  await environment.close()
  const bytes = readFileSync(file)
  const newest = bytes.readBigUInt64LE(152) > bytes.readBigUInt64LE(pageSize + 152) ? 0 : pageSize
  return { pageSize, lastPageNumber, root: Number(bytes.readBigUInt64LE(newest + 136)) }
}

const overwrite = (position: number, bytes: Buffer): void => {
  const descriptor = openSync(file, 'r+')
  writeSync(descriptor, bytes, 0, bytes.length, position)
  closeSync(descriptor)
}

describe('the check of a file before it is opened', () => {
  it('takes a file that is not there, an empty one and one in order', async () => {
    checkPages(file)
    writeFileSync(file, '')
    checkPages(file)
    await fill()
    checkPages(file)
  })

  it('takes a file that is shorter than the last page that LMDB counts, if no page is missing', async () => {
    const environment = Environment.open(path)
    let isShorter = false
    for (let round = 0; round < 300 && !isShorter; round += 1) {
      // Many entries come and go in one transaction: pages at the end are taken, given back and never written.
      const { database } = environment
      // Not by `commit`, which makes the file longer.
      await database.batch(() =>
        operationsOf((operations) => {
          const first = round * 1_000
          for (let number = first; number < first + 200; number += 1)
            put(operations, number, 100 + ((number * 37) % 1_500))
          for (let number = first; number < first + 200; number += 1) {
            operations.beginKey()
            operations.writer.u32(number)
            operations.endRemoval()
          }
        }).apply(database as OperationTarget, 400),
      )
      const { lastPageNumber, pageSize } = environment.statistics
      isShorter = statSync(file).size < (lastPageNumber + 1) * pageSize
      checkPages(file)
    }
    expect(isShorter).toBe(true)
    await environment.close()
  })

  it.each([
    [
      'its head is overwritten',
      () => overwrite(0, Buffer.alloc(64, 0xff)),
      /it is no LMDB file, or its head was overwritten/,
    ],
    ['it is another file', () => writeFileSync(file, 'some text'), /it is no LMDB file/],
    [
      'it is cut off in its second page',
      () => truncateSync(file, 4_200),
      /second meta page was overwritten or cut off/,
    ],
  ])('refuses a file when %s', async (_what, damage, reason) => {
    await fill()
    damage()
    expect(() => checkPages(file)).toThrow(reason)
    expect(() => Environment.open(path)).toThrow(`The store in ${path} cannot be opened: ${file} is damaged`)
  })

  it('refuses a file that was cut off in the middle', async () => {
    const { pageSize, lastPageNumber } = await fill()
    truncateSync(file, Math.floor(lastPageNumber / 2) * pageSize)
    expect(() => checkPages(file)).toThrow(
      /page \d+ ends at \d+: it was cut off or overwritten|was overwritten or cut off/,
    )
  })

  it('refuses a file with an overwritten branch page', async () => {
    const { pageSize, root } = await fill()
    const before = readFileSync(file)
    for (const byte of [0x00, 0x5a, 0xff]) {
      writeFileSync(file, before)
      overwrite(root * pageSize, Buffer.alloc(pageSize, byte))
      expect(() => checkPages(file)).toThrow(`page ${root} was overwritten or cut off`)
    }
    // The header is in order and the nodes are not.
    writeFileSync(file, before)
    overwrite(root * pageSize + 100, Buffer.alloc(pageSize - 100, 0x5a))
    expect(() => checkPages(file)).toThrow(/is damaged/)
  })

  it('says what to do', async () => {
    await fill()
    overwrite(0, Buffer.alloc(64))
    expect(() => checkPages(file)).toThrow('Restore a backup, or run: mqtt-jig store check')
  })
})
