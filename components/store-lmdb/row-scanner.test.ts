import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Environment } from './environment.ts'

let path: string
let environment: Environment
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'row-scanner-'))
  environment = Environment.open(path, {})
})
afterEach(async () => {
  await environment.close()
  rmSync(path, { recursive: true, force: true })
})

const START = Buffer.from([1])
const END = Buffer.from([9])

/** Keys of different lengths, and values from 0 bytes to more than lmdb-js reads into its own memory. */
const fill = (lengths: readonly number[]): void =>
  environment.transaction(() => {
    for (const [index, length] of lengths.entries()) {
      const key = Buffer.concat([Buffer.from([1, index >> 8, index & 0xff]), Buffer.alloc(index % 7, index)])
      environment.put(key, Buffer.alloc(length, index))
    }
  })

/** All entries, page by page. */
const scanned = (limit: number, bytes: number): { pages: number; rows: string[] } => {
  const rows: string[] = []
  let pages = 0
  let start: Buffer | undefined = START
  while (start !== undefined) {
    const last = environment.scan(start, END, limit, bytes, (key, value) =>
      rows.push(`${key.toString('hex')} ${value.toString('hex')}`),
    )
    start = last && Buffer.concat([last, Buffer.from([0])])
    pages += 1
  }
  return { pages, rows }
}

const read = (): string[] =>
  environment
    .rows(START, END, 1_000_000, 1e9)
    .map(({ key, value }) => `${key.toString('hex')} ${value.toString('hex')}`)

test('a scan lends the same entries that are read otherwise, whatever the pages are', () => {
  fill(Array.from({ length: 500 }, (_, index) => (index * 37) % 300))
  const rows = read()
  expect(rows).toHaveLength(500)
  for (const limit of [1, 3, 100, 500, 501]) expect(scanned(limit, 1e9).rows).toEqual(rows)
  expect(scanned(1_000, 2_000)).toEqual({ pages: expect.any(Number), rows })
  expect(scanned(1_000, 2_000).pages).toBeGreaterThan(10)
})

test('values that are longer than the memory of lmdb-js come whole, and those after them', () => {
  fill([10, 5_000, 20, 100_000, 30, 2_000_000, 40, 70_000, 50])
  expect(scanned(1_000, 1e9).rows).toEqual(read())
})

test('no memory is taken for an entry of a length that was there before', () => {
  fill([10, 10, 20, 10, 20])
  const keys = new Set<Buffer>()
  const values = new Set<Buffer>()
  environment.scan(START, END, 1_000, 1e9, (key, value) => {
    keys.add(key)
    values.add(value)
  })
  expect(values.size).toBe(2)
  expect(keys.size).toBe(5)
})

test('other reads are as before after a scan, and after a visitor that throws', () => {
  fill([10, 20, 30])
  const rows = read()
  const failing = () => {
    throw new Error('unreadable')
  }
  expect(() => environment.scan(START, END, 1_000, 1e9, failing)).toThrow('unreadable')
  expect(read()).toEqual(rows)
  const [first, second] = environment.rows(START, END, 2, 1e9)
  scanned(1, 1e9)
  expect([first, second].map((row) => row?.value.length)).toEqual([10, 20])
  expect(first?.value).toEqual(Buffer.alloc(10, 0))
})
