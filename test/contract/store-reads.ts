import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Store } from '../../src/kinds/store.ts'
import { driving, durable, type StoreUnderTest } from './store-under-test.ts'

/** A store that cannot be read for a while: the part of `storeContract` that needs `obstruct`. */
export const storeReadsContract = <S extends Store>({ create, obstruct, dispose }: StoreUnderTest<S>): void => {
  let store: S
  let release: () => void | Promise<void>
  beforeEach(async () => {
    store = await create()
    release = () => undefined
    begin('a', 'b')
    queue('a', 1, 2, 3)
    await durable(store)
  })
  afterEach(async () => {
    await release()
    await dispose?.(store)
  })
  const { begin, queue, sequences } = driving(() => store)

  it('throws instead of leaving messages out, and has all of them when it can be read again', async () => {
    release = await obstruct!(store)
    expect(() => store.read('a', 0, 10)).toThrow()
    expect(() => store.read('a', 2, 1)).toThrow()
    await release()
    expect(sequences('a')).toEqual([1, 2, 3])
  })

  it('says that a queue is empty if it is', async () => {
    release = await obstruct!(store)
    expect([sequences('a', 3), sequences('b'), sequences('c')]).toEqual([[], [], []])
  })

  it('takes records meanwhile', async () => {
    release = await obstruct!(store)
    queue('a', 4)
    store.append({ type: 'done', session: 'a', sequence: 2 })
    await release()
    expect(sequences('a')).toEqual([1, 3, 4])
    await durable(store)
    expect(sequences('a')).toEqual([1, 3, 4])
  })
}
