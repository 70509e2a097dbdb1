import { describe, expect, it } from 'vitest'
import { type ListQuery, Lists } from './list.ts'

interface Row {
  readonly id: string
  readonly size: number
}

const signal = new AbortController().signal
const query = (more: Partial<ListQuery<Row>> = {}): ListQuery<Row> => ({
  ...{ limit: 10, after: undefined, sort: 'id' },
  key: ({ id }) => id,
  id: ({ id }) => id,
  matches: () => true,
  characters: ({ id }) => id.length,
  ...more,
})
/** In an order that has nothing to do with the sort. */
const rows = (count: number): Row[] =>
  Array.from({ length: count }, (_, index) => {
    const number = (index * 7_919) % count
    return { id: `client-${String(number).padStart(6, '0')}`, size: number % 5 }
  })

/** All pages, one after the other. @param between what happens between two pages. */
const allPages = async (list: Iterable<Row>, more: Partial<ListQuery<Row>>, between = (): void => undefined) => {
  const lists = new Lists(1)
  const seen: Row[] = []
  for (let after: string | undefined; ; ) {
    const page = await lists.page(list, query({ ...more, after }), signal)
    seen.push(...page.items)
    if (page.next === null) return seen
    after = page.next
    between()
  }
}

describe('a list', () => {
  it.each([1, 9, 10, 11, 100])('of %i rows comes whole and in order, page by page', async (count) => {
    const sorted = rows(count).sort((a, b) => (a.id < b.id ? -1 : 1))
    expect(await allPages(rows(count), {})).toEqual(sorted)
    expect(await allPages(rows(count), { descending: true })).toEqual(sorted.toReversed())
  })

  it('with equal keys has each row once', async () => {
    const seen = await allPages(rows(100), { key: ({ size }) => size, sort: 'size' })
    expect(seen.map(({ size }) => size)).toEqual(Array.from({ length: 100 }, (_, index) => Math.floor(index / 20)))
    expect(new Set(seen.map(({ id }) => id)).size).toBe(100)
  })

  it('counts the rows that match in all pages', async () => {
    const page = await new Lists(1).page(rows(100), query({ limit: 3, matches: ({ size }) => size === 0 }), signal)
    expect([page.items.length, page.total]).toEqual([3, 20])
  })

  it('that changes between two pages has each row that stays exactly once', async () => {
    const live = new Map(rows(200).map((row) => [row.id, row]))
    const kept = [...live.keys()].filter((id) => id.endsWith('5')).sort()
    let added = 0
    const seen = await allPages({ [Symbol.iterator]: () => live.values() }, {}, () => {
      for (const id of [...live.keys()].filter((each) => !each.endsWith('5')).slice(0, 7)) live.delete(id)
      for (let number = 0; number < 3; number += 1) {
        added += 1
        live.set(`a-${added}`, { id: `a-${added}`, size: 0 })
      }
    })
    expect(seen.map(({ id }) => id).filter((id) => id.endsWith('5') && id.startsWith('client'))).toEqual(kept)
    expect(new Set(seen).size).toBe(seen.length)
  })

  it('of very long names has short cursors, and each row once', async () => {
    const long = 'x'.repeat(60_000)
    const list = Array.from({ length: 30 }, (_, index) => ({ id: `${long}${index}`, size: 0 }))
    const { next } = await new Lists(1).page(list, query(), signal)
    expect(next!.length).toBeLessThan(1_000)
    expect(new Set((await allPages(list, {})).map(({ id }) => id)).size).toBe(30)
  })

  it('gives way to other work after a bounded number of rows, and ends when the client is gone', async () => {
    const abort = new AbortController()
    let looked = 0
    const endless = {
      *[Symbol.iterator](): IterableIterator<Row> {
        for (;;) {
          looked += 1
          yield { id: 'x', size: 0 }
        }
      },
    }
    const page = new Lists(1).page(endless, query(), abort.signal)
    await new Promise((resolve) => setImmediate(resolve))
    abort.abort()
    await expect(page).rejects.toMatchObject({ status: 503 })
    expect(looked).toBeLessThan(5_000)
  })

  it.each([
    ['rows with long names', { id: 'x'.repeat(60_000), size: 0 }, 5],
    ['steps that find nothing', undefined, 1_000],
  ])('gives way to other work within %s as well', async (_, row, most) => {
    const abort = new AbortController()
    let looked = 0
    const endless = {
      *[Symbol.iterator](): IterableIterator<Row | undefined> {
        for (; looked < 100_000; looked += 1) yield row
      },
    }
    const page = new Lists(1).page(endless, query(), abort.signal)
    await new Promise((resolve) => setImmediate(resolve))
    abort.abort()
    await expect(page).rejects.toMatchObject({ status: 503 })
    expect(looked).toBeLessThanOrEqual(most)
  })

  it('of very long names has pages of a bounded size', async () => {
    const list = Array.from({ length: 40 }, (_, index) => ({ id: `${'x'.repeat(60_000)}${index}`, size: 0 }))
    const page = await new Lists(1).page(list, query({ limit: 1_000 }), signal)
    expect(page).toMatchObject({ items: { length: 17 }, next: expect.any(String), total: 40 })
    expect(new Set((await allPages(list, { limit: 1_000 })).map(({ id }) => id)).size).toBe(40)
  })

  it('is refused when too many are put together', async () => {
    const lists = new Lists(1)
    const first = lists.page(rows(2_000), query(), signal)
    await expect(lists.page(rows(1), query(), signal)).rejects.toMatchObject({ status: 503 })
    await first
    expect((await lists.page(rows(1), query(), signal)).total).toBe(1)
  })

  it('has cursors that fit no list in another order', async () => {
    const lists = new Lists(1)
    const { next } = await lists.page(rows(20), query(), signal)
    for (const more of [{ sort: 'size' }, { descending: true }]) {
      await expect(lists.page(rows(20), query({ ...more, after: next! }), signal)).rejects.toMatchObject({
        status: 400,
      })
    }
  })
})
