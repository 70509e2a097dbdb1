import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Store } from '../../src/kinds/store.ts'
import { driving, durable, type StoreUnderTest } from './store-under-test.ts'

/** A store that cannot keep pace, or cannot write: the part of `storeContract` that needs `press`. */
export const storePressureContract = <S extends Store>({ create, press, dispose }: StoreUnderTest<S>): void => {
  let store: S
  /** What the listener saw, call by call. */
  let seen: string[]
  let release: () => void | Promise<void>
  beforeEach(async () => {
    store = await create()
    seen = []
    begin('a')
    await durable(store)
    release = () => undefined
  })
  afterEach(async () => {
    await release()
    await dispose?.(store)
  })
  const { begin, queue, sequences } = driving(() => store)

  const pressed = async () => {
    store.onDurable(() => seen.push(store.pressure))
    release = await press!(store)
    queue('a', 1)
    await until(() => store.pressure !== 'none')
  }
  const until = async (isSo: () => boolean) => {
    while (!isSo()) await new Promise(setImmediate)
  }

  it('is reported to the listener when it rises and when it falls', async () => {
    await pressed()
    await until(() => seen.at(-1) === store.pressure)
    expect(seen.at(-1)).not.toBe('none')
    await release()
    await until(() => store.pressure === 'none')
    await until(() => seen.at(-1) === 'none')
  })

  it('changes nothing of what is appended: it is there for read at once, and durable in the end', async () => {
    await pressed()
    queue('a', 2, 3)
    store.append({ type: 'done', session: 'a', sequence: 2 })
    expect(sequences('a')).toEqual([1, 3])
    await release()
    await durable(store)
    expect(sequences('a')).toEqual([1, 3])
  })
}
