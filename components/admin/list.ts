/** Pages of large lists that change all the time. */

import { createHash } from 'node:crypto'
import { z } from 'zod'
import { ApiError } from './api-error.ts'

/** Rows of usual length that are looked at in one turn of the event loop. */
const ROWS_PER_TURN = 500
/** A row counts as one more for each 256 characters, which take about as long as a row: a client may choose 65,535 for its name. */
const LONG_ROW_SHIFT = 8
/** Characters of a page, of the texts that decide. With more the page has fewer rows than its limit. */
export const PAGE_CHARACTERS = 1024 ** 2
/** Characters of a text that decide its place; the hash of the whole text follows. A client may choose a very long one. */
const KEY_LENGTH = 200

export interface ListQuery<Row> {
  readonly limit: number
  /** The `next` of the page before. */
  readonly after: string | undefined
  readonly descending?: boolean
  /** What the rows are sorted by, for the cursor. */
  readonly sort: string
  /** The value of a row that decides its place. Rows with the same one are in the order of their `id`. */
  key(row: Row): string | number
  /** Unique in the list. */
  id(row: Row): string
  matches(row: Row): boolean
  /** The length of the texts that a client chose and that are searched or decide the place. */
  characters(row: Row): number
}

export interface Page<Row> {
  readonly items: Row[]
  readonly next: string | null
  readonly total: number
}

/** A row with its place in the order. */
interface Placed<Row> {
  readonly row: Row
  readonly place: Place
}

type Place = readonly [key: string | number, id: string]

/**
 * Puts pages together. A page is the first rows behind its cursor in the order of the list. Each page looks at all rows, a bounded number in
 * each turn of the event loop, and keeps only those of the page: nothing is kept between two pages, and rows that come and go
 * meanwhile move no other row to another page.
 */
export class Lists {
  #maximum: number
  #open = 0

  /** @param maximum lists that are put together at the same time. */
  constructor(maximum: number) {
    this.#maximum = maximum
  }

  /** Sets another bound. @returns takes it back. */
  adjust(maximum: number): () => void {
    const before = this.#maximum
    this.#maximum = maximum
    return () => void this.adjust(before)
  }

  /** @param rows undefined for a step of the walk that found none. @param signal ends the work. @throws ApiError 503 if too many are under way, 400 for a cursor of another list. */
  async page<Row>(rows: Iterable<Row | undefined>, query: ListQuery<Row>, signal: AbortSignal): Promise<Page<Row>> {
    return this.divided(signal, async (turn) => {
      const after = query.after === undefined ? undefined : readCursor(query.after, query)
      const compare = query.descending === true ? (a: Place, b: Place) => comparePlaces(b, a) : comparePlaces
      const first: Placed<Row>[] = []
      let total = 0
      let looked = 0
      for (const row of rows) {
        looked += 1 + (row === undefined ? 0 : query.characters(row) >> LONG_ROW_SHIFT)
        if (looked >= ROWS_PER_TURN) {
          looked = 0
          await turn()
        }
        if (row === undefined || !query.matches(row)) continue
        total += 1
        const place: Place = [bounded(query.key(row)), bounded(query.id(row))]
        if (after !== undefined && compare(place, after) <= 0) continue
        insert(first, { row, place }, compare, query.limit + 1)
      }
      const items = first.slice(0, Math.min(query.limit, fitting(first, query)))
      const next = first.length > items.length ? writeCursor(query, items.at(-1)!.place) : null
      return { items: items.map(({ row }) => row), next, total }
    })
  }

  /** Does work over several turns of the event loop: it awaits `turn` between two parts. @throws ApiError 503 if too many do. */
  async divided<T>(signal: AbortSignal, work: (turn: () => Promise<void>) => Promise<T>): Promise<T> {
    if (this.#open >= this.#maximum)
      throw new ApiError(503, 'Too many lists are put together now (maximumLists). Try again.')
    this.#open += 1
    try {
      return await work(async () => {
        await new Promise((resolve) => setImmediate(resolve))
        if (signal.aborted) throw new ApiError(503, 'The request was given up.')
      })
    } finally {
      this.#open -= 1
    }
  }
}

/** The number of rows that are one page: at least one. */
const fitting = <Row>(placed: readonly Placed<Row>[], { characters }: Pick<ListQuery<Row>, 'characters'>): number => {
  let count = 0
  let total = 0
  for (const { row } of placed) {
    total += characters(row)
    if (count > 0 && total > PAGE_CHARACTERS) break
    count += 1
  }
  return count
}

/** Inserts in order, and drops what is beyond the limit. */
const insert = <Row>(
  sorted: Placed<Row>[],
  entry: Placed<Row>,
  compare: (a: Place, b: Place) => number,
  limit: number,
): void => {
  if (sorted.length === limit && compare(entry.place, sorted.at(-1)!.place) >= 0) return
  let low = 0
  for (let high = sorted.length; low < high; ) {
    const middle = (low + high) >> 1
    if (compare(sorted[middle]!.place, entry.place) <= 0) low = middle + 1
    else high = middle
  }
  sorted.splice(low, 0, entry)
  if (sorted.length > limit) sorted.pop()
}

const comparePlaces = ([keyA, idA]: Place, [keyB, idB]: Place): number =>
  compareValues(keyA, keyB) || compareValues(idA, idB)

const compareValues = (a: string | number, b: string | number): number => (a < b ? -1 : a > b ? 1 : 0)

const bounded = <T extends string | number>(value: T): T | string =>
  typeof value === 'number' || value.length <= KEY_LENGTH
    ? value
    : `${value.slice(0, KEY_LENGTH)}${createHash('sha256').update(value).digest('base64')}`

const cursorSchema = z.tuple([z.string(), z.boolean(), z.union([z.string(), z.number()]), z.string()])

type CursorQuery = Pick<ListQuery<never>, 'sort' | 'descending'>

const writeCursor = ({ sort, descending = false }: CursorQuery, [key, id]: Place): string =>
  Buffer.from(JSON.stringify([sort, descending, key, id])).toString('base64url')

const readCursor = (text: string, { sort, descending = false }: CursorQuery): Place => {
  const [ofSort, ofDescending, key, id] = cursorSchema.parse(decoded(text))
  if (ofSort !== sort || ofDescending !== descending)
    throw new ApiError(400, 'after is a cursor of a list in another order.')
  return [key, id]
}

/** The plain data of a cursor. @throws ApiError 400. */
const decoded = (text: string): unknown => {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    if (cursorSchema.safeParse(value).success) return value
  } catch {
    // Not JSON.
  }
  throw new ApiError(400, 'after is no cursor of this list: use the value of next, or leave it out.')
}
