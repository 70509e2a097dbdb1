import { expect, it } from 'vitest'
import { MAXIMUM_OWN_READERS, type OwnReader, OwnReaders } from './own-readers.ts'

const readerOf = (gaveBack: OwnReader[]): OwnReader => {
  const reader: OwnReader = { place: -1, lastTurn: 0, giveBack: () => gaveBack.push(reader) }
  return reader
}

it('has a fixed number of places', () => {
  const readers = new OwnReaders()
  const gaveBack: OwnReader[] = []
  const all = Array.from({ length: MAXIMUM_OWN_READERS }, () => readerOf(gaveBack))
  expect(all.every((reader) => readers.mayHave(reader, 1))).toBe(true)
  const late = readerOf(gaveBack)
  expect(readers.mayHave(late, 2)).toBe(false)
  expect(readers.mayHave(all[3]!, 2)).toBe(true)
  readers.leave(all[3]!)
  readers.leave(all[3]!)
  expect([readers.mayHave(late, 3), readers.mayHave(all[3]!, 3)]).toEqual([true, false])
  expect(gaveBack).toEqual([])
})

it('takes the place of a connection that was silent for long', () => {
  const readers = new OwnReaders()
  const gaveBack: OwnReader[] = []
  const all = Array.from({ length: MAXIMUM_OWN_READERS }, () => readerOf(gaveBack))
  for (const reader of all) readers.mayHave(reader, 1)
  for (const reader of all.slice(1)) readers.mayHave(reader, 2_000)
  const late = readerOf(gaveBack)
  // One of them is looked at each time.
  const answers = all.map(() => readers.mayHave(late, 2_000))
  expect(answers.filter((isGiven) => isGiven).length).toBeGreaterThan(0)
  expect(gaveBack).toEqual([all[0]])
  expect([all[0]!.place, late.place >= 0]).toEqual([-1, true])
})
