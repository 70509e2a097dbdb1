import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { eventually } from '../../test/helpers/eventually.ts'
import { Environment, namingStore } from './environment.ts'
import { ABOUT_KEY } from './layout.ts'
import { Operations } from './operations.ts'
import { own } from './own.ts'

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

describe('pages that scans have mapped', () => {
  /** Scans more than is kept. */
  const scanMuch = (environment: Environment): void => {
    environment.put(Buffer.from('large'), Buffer.alloc(4 * 1024 ** 2))
    for (let count = 0; count < 5; count += 1)
      environment.scan(Buffer.from([0]), Buffer.from([0xff]), 10, 1e9, () => {})
  }
  const mappedBytes = (): number => {
    const mappings = readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)
    const ofStore = mappings.filter((mapping) => mapping.slice(0, mapping.indexOf('\n')).includes(path))
    return ofStore.reduce((sum, mapping) => sum + Number(/^Rss:\s+(\d+) kB$/m.exec(mapping)![1]) * 1024, 0)
  }

  it.skipIf(!existsSync('/proc/self/smaps'))('are given back', async () => {
    const environment = Environment.open(path)
    scanMuch(environment)
    expect(mappedBytes()).toBeGreaterThan(4 * 1024 ** 2)
    await environment.releasePages()
    expect(mappedBytes()).toBeLessThan(1024 ** 2)
    await environment.close()
  })

  it('stay while there are few', async () => {
    const environment = Environment.open(path)
    await environment.commit(putOf('one'))
    environment.scan(Buffer.from([0]), Buffer.from([0xff]), 10, 1e9, () => {})
    expect(environment.releasePages()).toBeUndefined()
    await environment.close()
  })

  it('are given back before the next commit when one is running', async () => {
    const environment = Environment.open(path)
    const { database } = environment
    scanMuch(environment)
    // The first one gives them back, and what is scanned then stays while it runs.
    const first = environment.commit(putOf('one'))
    await nextTurn()
    scanMuch(environment)
    expect(environment.releasePages()).toBeUndefined()
    const { database: second } = environment
    await first
    await environment.commit(putOf('two'))
    expect(new Set([database, second, environment.database]).size).toBe(3)
    expect(environment.get(Buffer.from('key'))?.toString()).toBe('two')
    await environment.close()
  })

  it('are given back once by a scan and a commit that begin together', async () => {
    const environment = Environment.open(path)
    await environment.commit(putOf('one'))
    const { database } = environment
    scanMuch(environment)
    await Promise.all([environment.releasePages(), environment.commit(putOf('two'))])
    expect(environment.database).not.toBe(database)
    expect(environment.get(Buffer.from('key'))?.toString()).toBe('two')
    await environment.close()
  })

  it('are kept this time if something is read while they are given back', async () => {
    const environment = Environment.open(path)
    await environment.commit(putOf('one'))
    scanMuch(environment)
    const released = environment.releasePages()
    expect(environment.get(Buffer.from('key'))?.toString()).toBe('one')
    await released
    expect(environment.get(Buffer.from('key'))?.toString()).toBe('one')
    await environment.commit(putOf('two'))
    expect(environment.get(Buffer.from('key'))?.toString()).toBe('two')
    await environment.close()
  })

  it('closing waits until they are given back', async () => {
    const environment = Environment.open(path)
    await environment.commit(putOf('one'))
    scanMuch(environment)
    void environment.releasePages()
    await environment.close()
    const again = Environment.open(path)
    expect(again.get(Buffer.from('key'))?.toString()).toBe('one')
    await again.close()
  })
})

it('writes nothing more when another process has taken the file while it was closed for a moment', async () => {
  const environment = Environment.open(path)
  await own(environment)
  await environment.commit(putOf('one'))
  const { database } = environment
  // What another process does between the two.
  const close = database.close.bind(database)
  vi.spyOn(database, 'close').mockImplementation(async () => {
    await close()
    const other = Environment.open(path)
    other.put(ABOUT_KEY, Buffer.from('of another process'))
    await other.close()
  })
  environment.put(Buffer.from('large'), Buffer.alloc(20 * 1024 ** 2))
  environment.scan(Buffer.from([0]), Buffer.from([0xff]), 10, 1e9, () => {})
  await expect(environment.releasePages()).rejects.toThrow(`Another process took ${path}`)
  expect(environment.isReadable).toBe(false)
  await expect(environment.commit(putOf('two'))).rejects.toThrow('Another process took')
  await environment.close()
  const other = Environment.open(path)
  expect(other.get(Buffer.from('key'))?.toString()).toBe('one')
  await other.close()
})

it('a read while a file that LMDB has given up is reopened fails, and asks the closing database for nothing', async () => {
  const environment = Environment.open(path)
  await environment.commit(putOf('one'))
  const { database } = environment
  const get = vi.spyOn(database, 'get').mockImplementation(() => {
    throw Object.assign(new Error('MDB_PANIC: Update of meta page failed'), { code: -30_795 })
  })
  expect(() => environment.get(Buffer.from('key'))).toThrow('MDB_PANIC')
  get.mockClear()
  const committed = environment.commit(putOf('two'))
  expect(() => environment.get(Buffer.from('key'))).toThrow(`The store in ${path} is closed`)
  expect(get).not.toHaveBeenCalled()
  await committed
  expect(environment.get(Buffer.from('key'))?.toString()).toBe('two')
  await environment.close()
})

it('a commit that fails after the end does not open the file again', async () => {
  const environment = Environment.open(path)
  let fail = (_: Error): void => undefined
  const batch = vi.spyOn(environment.database, 'batch')
  batch.mockImplementation(() => new Promise((_, reject) => (fail = reject)))
  const committed = environment.commit(putOf('one'))
  const isFailed = expect(committed).rejects.toThrow('Input/output error')
  await eventually(() => expect(batch).toHaveBeenCalled())
  await environment.close()
  fail(new Error('Input/output error'))
  await isFailed
  expect(environment.isOpen).toBe(false)
  const again = Environment.open(path)
  expect(again.readers()).not.toContain(process.pid)
  await again.close()
})

it('is not open after a reopening that failed, until the next one', async () => {
  const environment = Environment.open(path)
  environment.put(Buffer.from('large'), Buffer.alloc(20 * 1024 ** 2))
  environment.scan(Buffer.from([0]), Buffer.from([0xff]), 10, 1e9, () => {})
  rmSync(path, { recursive: true })
  writeFileSync(path, '')
  await expect(environment.releasePages()).rejects.toThrow()
  expect([environment.isOpen, environment.isReadable]).toEqual([false, false])
  rmSync(path)
  mkdirSync(path)
  await environment.commit(putOf('one'))
  expect([environment.isOpen, environment.isReadable]).toEqual([true, true])
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
