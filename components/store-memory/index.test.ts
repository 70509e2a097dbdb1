import { beforeEach, describe, expect, it } from 'vitest'
import type { Store, StoredRetained } from '../../src/kinds/store.ts'
import { Message } from '../../src/mqtt/message.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { restoredState } from '../../test/helpers/restored-state.ts'
import { messageParts, queuedMessage, retainedSource, sessionRecord, will } from '../../test/helpers/store-records.ts'
import type { Handover } from './handover.ts'
import { memoryStore } from './index.ts'
import type { MemoryStore } from './memory-store.ts'

let log = new RecordingLogger()
beforeEach(() => {
  log = new RecordingLogger()
})
const context = lifecycleContext('store')

describe('the memory store over a reset', () => {
  const start = async () => (await memoryStore.start({}, { logger: log }, context)) as MemoryStore
  const stop = async (store: MemoryStore) => memoryStore.stop!(store, context)
  const suspend = async (store: MemoryStore) => (await memoryStore.suspend!(store, context)) as Handover
  const resume = async (suspended: unknown) =>
    (await memoryStore.resume!({}, { logger: log }, suspended, context)) as MemoryStore
  const everything = (store: Store) => restoredState(store)

  const partsOf = ({ message, source }: StoredRetained) => ({ ...messageParts(message), source })

  /** A message in the queues of two sessions, that is retained, and the Will of one of them. */
  const filled = async () => {
    const store = await start()
    const message = Message.of({ topic: 'x', payload: Buffer.alloc(1000, 1), retain: true, expiresAtMs: 1e15 })
    for (const id of ['a', 'b']) {
      const session = sessionRecord({ id, userName: 'u', will: { ...will('w'), message } })
      store.append({ type: 'session', session })
      store.append({ type: 'queued', session: id, queued: queuedMessage({ sequence: 3, message }) })
    }
    store.append({ type: 'retained', message })
    return { store, message }
  }

  it('has everything that there was', async () => {
    const { store } = await filled()
    store.append({ type: 'done', session: 'b', sequence: 3 })
    const before = await everything(store)
    const after = await resume(structuredClone(await suspend(store)))
    const { sessions, retained } = await everything(after)
    expect(sessions.map(({ id, queue }) => [id, queue])).toEqual(before.sessions.map(({ id, queue }) => [id, queue]))
    expect(sessions[1]!.queue).toEqual({ count: 0, bytes: 0, lastSequence: 3 })
    expect(retained.map(partsOf)).toEqual(before.retained.map(partsOf))
    expect(after.counts).toEqual(store.counts)
  })

  it('reports what is lost at a stop, and nothing when nothing is, or when a successor takes over', async () => {
    await stop(await start())
    const { store } = await filled()
    const after = await resume(structuredClone(await suspend(store)))
    expect(log.at('warn')).toEqual([])
    await stop(after)
    expect(log.at('warn')).toMatchObject([
      {
        sessions: 2,
        queued: 2,
        retained: 1,
        message: expect.stringContaining('2 sessions, 2 queued messages and 1 retained message'),
      },
    ])
  })

  it('carries a message that stands in many places once, and shares it again', async () => {
    const { store, message } = await filled()
    const suspended = await suspend(store)
    expect(suspended.messages).toHaveLength(1)
    const after = await resume(structuredClone(suspended))
    const { sessions, retained } = await everything(after)
    const places = [after.read('a', 0, 1)[0]!.message, after.read('b', 0, 1)[0]!.message, sessions[0]!.will!.message]
    for (const place of places) expect(place).toBe(retained[0]!.message)
    expect(messageParts(retained[0]!.message)).toEqual(messageParts(message))
    expect(retained[0]!.message).not.toBe(message)
  })

  it('carries a publisher of many retained messages once, and shares it again', async () => {
    const { store } = await filled()
    const source = retainedSource()
    for (const topic of ['one', 'two', 'three']) {
      store.append({ type: 'retained', message: Message.of({ topic, payload: Buffer.from('1') }), source })
    }
    const suspended = await suspend(store)
    expect(suspended.sources).toHaveLength(1)
    const { retained } = await everything(await resume(structuredClone(suspended)))
    const [none, ...sources] = retained.map((each) => each.source)
    expect([none, sources[0]]).toEqual([undefined, source])
    expect(new Set(sources).size).toBe(1)
  })

  it('takes what a store without publishers left, of version 2', async () => {
    const { store } = await filled()
    const { sources: _, sourceOfRetained: __, ...older } = await suspend(store)
    const after = await resume(structuredClone({ ...older, version: 2 }))
    const { retained } = await everything(after)
    expect(retained.map(partsOf)).toEqual((await everything(store)).retained.map(partsOf))
  })

  it('hands over nothing but plain data', async () => {
    const { store } = await filled()
    const look = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return
      expect([Object.prototype, Array.prototype], path).toContain(Object.getPrototypeOf(value))
      for (const [key, field] of Object.entries(value)) look(field, `${path}.${key}`)
    }
    look(await suspend(store), 'handover')
  })

  it('leaves what it was built from as it was: a start that fails is not the last', async () => {
    const { store } = await filled()
    store.append({ type: 'received', session: 'a', packetIdentifier: 7 })
    const suspended = structuredClone(await suspend(store))
    const before = structuredClone(suspended)
    const failed = await resume(suspended)
    failed.append({ type: 'done', session: 'a', sequence: 3 })
    failed.append({ type: 'released', session: 'a', packetIdentifier: 7 })
    failed.append({ type: 'session-ended', session: 'b' })
    failed.append({ type: 'retained-removed', topic: 'x' })
    expect(suspended).toEqual(before)
    expect((await resume(suspended)).counts).toEqual(store.counts)
    // Changes during the failed start are kept as well.
    expect((await resume(await suspend(failed))).counts).toMatchObject({ sessions: 1, queued: 0, retained: 0 })
  })

  it.each([
    ['another version', { version: 1 }, 'it has version 1, and this store reads version 3.'],
    ['no version', { sessions: [] }, 'it has no version, and this store reads version 3.'],
    ['nothing', undefined, 'it has no version, and this store reads version 3.'],
    ['another shape', { version: 3, messages: [], sessions: [{}], retained: [] }, 'sessions.0.record: '],
    ['a message that is not there', { version: 3, messages: [], sessions: [], retained: [1] }, 'message 1 of 0.'],
  ])('says what is wrong with %s', async (_, suspended, why) => {
    const resumed = resume(suspended)
    await expect(resumed).rejects.toThrow('the store before this one left sessions and messages in a form that')
    await expect(resumed).rejects.toThrow(why)
  })

  it('counts what it holds', async () => {
    const { store } = await filled()
    expect(store.counts).toEqual({ sessions: 2, subscriptions: 0, queued: 2, queuedBytes: 2002, retained: 1 })
    store.append({ type: 'pubrec', session: 'a', sequence: 3, pubrecOrder: 1 })
    expect(store.counts).toMatchObject({ queued: 2, queuedBytes: 1001 })
  })

  it('has nothing to wait for', async () => {
    const { store } = await filled()
    expect(store.durableBatch).toBeGreaterThanOrEqual(store.batch)
  })
})
