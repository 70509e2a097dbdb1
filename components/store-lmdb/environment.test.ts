import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Environment, namingStore } from './environment.ts'
import { Operations } from './operations.ts'

let path: string
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'environment-'))
})
afterEach(() => rmSync(path, { recursive: true, force: true }))

const putOf = (text: string): Operations => {
  const operations = new Operations()
  operations.beginKey()
  operations.writer.put(Buffer.from('key'))
  operations.beginValue()
  operations.writer.put(Buffer.from(text))
  operations.endPut()
  return operations
}

/** A commit that fails as lmdb-js has it: one error refers to another, by a promise that rejects. */
const failed = (): Promise<never> => {
  const error = new Error('Commit failed (see commitError for details)')
  return Promise.reject(Object.assign(error, { commitError: Promise.reject(new Error('Input/output error')) }))
}

it('reads what was committed, in the same turn', async () => {
  const environment = Environment.open(path)
  expect(environment.get(Buffer.from('key'))).toBeUndefined()
  const committed = environment.commit(putOf('one'))
  environment.get(Buffer.from('key'))
  await committed
  expect(environment.get(Buffer.from('key'))?.toString()).toBe('one')
  await environment.close()
})

it('rejects with the error of the file system', async () => {
  const environment = Environment.open(path)
  vi.spyOn(environment.database, 'batch').mockImplementation(failed)
  await expect(environment.commit(putOf('one'))).rejects.toThrow('Input/output error')
  expect(environment.isReadable).toBe(true)
  await environment.close()
})

it('opens the file again when LMDB has given it up, and goes on', async () => {
  const environment = Environment.open(path)
  await environment.commit(putOf('one'))
  const { database } = environment
  vi.spyOn(database, 'batch').mockImplementation(failed)
  // What LMDB says of everything after a meta page could not be written.
  const refusal = Object.assign(new Error('MDB_PANIC: Update of meta page failed'), { code: -30_795 })
  vi.spyOn(database, 'get').mockImplementation(() => {
    throw refusal
  })
  await expect(environment.commit(putOf('two'))).rejects.toThrow('Input/output error')
  expect(environment.database).not.toBe(database)
  expect(environment.isReadable).toBe(true)
  expect(environment.get(Buffer.from('key'))?.toString()).toBe('one')
  await environment.commit(putOf('three'))
  expect(environment.get(Buffer.from('key'))?.toString()).toBe('three')
  await environment.close()
})

it('knows the free space of its disk, and nothing of one that is gone', async () => {
  const environment = Environment.open(path)
  expect(await environment.freeBytes()).toBeGreaterThan(0)
  await environment.close()
  rmSync(path, { recursive: true })
  expect(await environment.freeBytes()).toBeUndefined()
})

it('closes once', async () => {
  const environment = Environment.open(path)
  await environment.close()
  await expect(environment.close()).resolves.toBeUndefined()
})

it.each([
  [new Error('File too large'), 'File too large'],
  ['no error', 'no error'],
])('rejects with what failed if there is no further error: %s', async (reason, message) => {
  const environment = Environment.open(path)
  vi.spyOn(environment.database, 'batch').mockImplementation(() => Promise.reject(reason))
  await expect(environment.commit(putOf('one'))).rejects.toThrow(message)
  await environment.close()
})

it('an error of LMDB names the store, and whether it is damaged; other errors stay as they are', () => {
  const own = new Error('the lock is taken')
  const errors = [
    Object.assign(new Error('page not found'), { code: -30_797 }),
    Object.assign(new Error('EIO'), { code: 5 }),
  ]
  expect(errors.map((error) => (namingStore(error, 'data') as Error).message)).toEqual([
    'The store in data is damaged: page not found',
    'The store in data cannot be read or written: EIO',
  ])
  expect(namingStore(own, 'data')).toBe(own)
})
