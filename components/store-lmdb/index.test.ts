import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { queuedMessage, sessionRecord } from '../../test/helpers/store-records.ts'
import { Environment } from './environment.ts'
import { lmdbStore } from './index.ts'
import { ABOUT_KEY, messageKey } from './layout.ts'
import type { OpenStore } from './open-store.ts'
import { readAbout } from './own.ts'
import { writeValue } from './values.ts'

let directory: string
let path: string
let log: RecordingLogger
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'store-lmdb-index-'))
  path = join(directory, 'data')
  log = new RecordingLogger()
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const context = lifecycleContext('store')
const configOf = (at = path) => lmdbStore.config.parse({ path: at })
const start = async (at = path) => (await lmdbStore.start(configOf(at), { logger: log }, context)) as OpenStore
const stop = (store: OpenStore, signal = context.signal) => lmdbStore.stop!(store, { ...context, signal })
const resume = async (suspended: unknown, at = path) =>
  (await lmdbStore.resume!(configOf(at), { logger: log }, suspended, context)) as OpenStore
const queue = (store: OpenStore, sequence: number) =>
  store.append({ type: 'queued', session: 'a', queued: queuedMessage({ sequence }) })
const sequences = (store: OpenStore) => store.read('a', 0, 1_000).map(({ sequence }) => sequence)

describe('the start and the stop', () => {
  it('makes the directory, and has everything after a stop', async () => {
    let store = await start(join(path, 'deeper'))
    store.append({ type: 'session', session: sessionRecord({ id: 'a' }) })
    queue(store, 1)
    await stop(store)
    store = await start(join(path, 'deeper'))
    expect(sequences(store)).toEqual([1])
    await stop(store)
  })

  it('takes a path with a dot as a directory', async () => {
    const store = await start(join(directory, 'data.v1'))
    await stop(store)
    expect(Environment.open(join(directory, 'data.v1'), { readOnly: true }).path).toContain('data.v1')
  })

  it('refuses a path that is no directory, and names it and the reason', async () => {
    writeFileSync(path, '')
    await expect(start()).rejects.toThrow(new RegExp(`The store in ${path} cannot be opened: EEXIST`))
    await expect(start(join(path, 'deeper'))).rejects.toThrow(/cannot be opened: ENOTDIR/)
  })

  it('refuses a file that is open in this process, whose pid another container may have', async () => {
    const store = await start()
    await expect(start()).rejects.toThrow(`${path} is in use by a process with the pid of this one`)
    await stop(store)
  })

  it.each([
    [
      { format: 99, version: '9.9.9', owner: null },
      /was written by mqtt-jig 9\.9\.9 \(format 99\), and this version reads formats 1 to 2/,
    ],
    [{ format: 0, version: '0.0.1', owner: null }, /was written by mqtt-jig 0\.0\.1 \(format 0\)/],
    [{ hello: 1 }, /is not a store of mqtt-jig: its first entry cannot be read/],
  ])('refuses a file that says %o, and leaves it as it is', async (about, reason) => {
    const store = await start()
    store.environment.transaction(() => store.environment.put(ABOUT_KEY, writeValue(about)))
    await stop(store)
    await expect(start()).rejects.toThrow(reason)
    await expect(start()).rejects.toThrow(reason)
  })

  it('reads a file of format 1, which is of format 2 from then on', async () => {
    let store = await start()
    store.append({ type: 'session', session: sessionRecord({ id: 'a' }) })
    queue(store, 1)
    await store.flush()
    const about = { format: 1, version: '0.1.0', owner: null }
    store.environment.transaction(() => store.environment.put(ABOUT_KEY, writeValue(about)))
    await stop(store)
    store = await start()
    expect(sequences(store)).toEqual([1])
    expect(readAbout(store.environment)).toMatchObject({ format: 2 })
    await stop(store)
  })

  it('refuses a file of another program', async () => {
    mkdirSync(path)
    const environment = Environment.open(path)
    environment.transaction(() => environment.put(messageKey(1, 0), Buffer.from('x')))
    await environment.close()
    await expect(start()).rejects.toThrow('is not a store of mqtt-jig: its first entry is missing')
  })

  it('says at the stop how much was not written', async () => {
    const store = await start()
    vi.spyOn(store.environment, 'commit').mockRejectedValue(new Error('Input/output error'))
    store.append({ type: 'session', session: sessionRecord({ id: 'a' }) })
    queue(store, 1)
    const aborted = AbortSignal.timeout(20)
    await expect(stop(store, aborted)).rejects.toThrow('The deadline passed before the store had written everything')
    expect(log.at('error').map(({ message }) => message)).toEqual([
      `2 records were not written to ${path}. None of them was acknowledged`,
    ])
    expect(store.environment.isClosed).toBe(true)
  })

  it('has measures that can be read', async () => {
    const store = await start()
    store.append({ type: 'session', session: sessionRecord({ id: 'a' }) })
    queue(store, 1)
    await store.flush()
    const measures = Object.fromEntries(lmdbStore.measure!(store).map(({ name, read }) => [name, read()]))
    expect(measures).toMatchObject({
      sessions: 1,
      queued: 1,
      pending: 0,
      pressed: 0,
      commits: 1,
      failed: 0,
      damaged: 0,
    })
    expect(store.counts).toMatchObject({ sessions: 1, messages: 1, queued: 1, pendingRecords: 0 })
    await stop(store)
  })
})

describe('a reset', () => {
  it('hands the open file over, fifty times with messages that wait', async () => {
    let store = await start()
    store.append({ type: 'session', session: sessionRecord({ id: 'a' }) })
    const { database } = store.environment
    for (let n = 1; n <= 50; n += 1) {
      queue(store, n)
      store = await resume(await lmdbStore.suspend!(store, context))
      expect(store.environment.database).toBe(database)
      expect(sequences(store)).toHaveLength(n)
    }
    await stop(store)
  })

  it('goes back to the predecessor when the successor fails, and opens the file again if it was closed', async () => {
    const first = await start()
    first.append({ type: 'session', session: sessionRecord({ id: 'a' }) })
    queue(first, 1)
    const suspended = await lmdbStore.suspend!(first, context)
    const second = await resume(suspended)
    queue(second, 2)
    await lmdbStore.suspend!(second, context)
    await stop(second)
    const third = await resume(suspended)
    expect(sequences(third)).toEqual([1, 2])
    await stop(third)
  })

  it('closes the file when the path has changed, and comes back to it', async () => {
    const first = await start()
    first.append({ type: 'session', session: sessionRecord({ id: 'a' }) })
    queue(first, 1)
    const other = await resume(await lmdbStore.suspend!(first, context), join(directory, 'other'))
    expect(sequences(other)).toEqual([])
    const back = await resume(await lmdbStore.suspend!(other, context))
    expect(sequences(back)).toEqual([1])
    await stop(back)
  })

  it('refuses what another component or version has left', async () => {
    const left = 'left sessions and messages in a form that this one cannot take over'
    for (const suspended of [undefined, {}, { version: 2, messages: [], sessions: [], retained: [] }]) {
      await expect(resume(suspended)).rejects.toThrow(left)
    }
    // The first version has opened a file of format 1, which does not say that it has the table of what was sent.
    const store = await start()
    const suspended = (await lmdbStore.suspend!(store, context)) as object
    await expect(resume({ ...suspended, version: 1 })).rejects.toThrow(left)
    await stop(store)
  })
})
