import { expect, it } from 'vitest'
import { TakeoverWatch } from './takeover-watch.ts'

const takeovers = (watch: TakeoverWatch, clientId: string, ...timesMs: number[]) =>
  timesMs.map((nowMs) => watch.takenOver(clientId, nowMs))

it('reports a Client Identifier once for each row of takeovers', () => {
  const watch = new TakeoverWatch()
  const report = { takeovers: 5, seconds: 4 }
  expect(takeovers(watch, 'a', 0, 1_000, 2_000, 3_000, 4_000, 5_000)).toEqual([
    ...Array(4).fill(undefined),
    report,
    undefined,
  ])
  expect([watch.isRepeated('a', 5_000), watch.isRepeated('b', 5_000)]).toEqual([true, false])
  // After a minute of quiet it is another row.
  expect(watch.isRepeated('a', 65_001)).toBe(false)
  expect(takeovers(watch, 'a', 65_001, 66_001, 67_001, 68_001, 69_001).at(-1)).toEqual(report)
})

it('the watch for takeovers does not report a device that reconnects from time to time', () => {
  const watch = new TakeoverWatch()
  const times = Array.from({ length: 20 }, (_, n) => n * 61_000)
  expect(takeovers(watch, 'a', ...times).filter((report) => report !== undefined)).toEqual([])
})

it('watches a limited number of Client Identifiers, those that were taken over last', () => {
  const watch = new TakeoverWatch()
  for (let n = 0; n < 4; n++) watch.takenOver('first', n)
  for (let n = 0; n < 999; n++) watch.takenOver(`client ${n}`, 10)
  expect(watch.takenOver('first', 20)).toBeDefined()
  for (let n = 999; n < 3_000; n++) watch.takenOver(`client ${n}`, 30)
  expect(watch.size).toBe(1_000)
  expect(watch.isRepeated('first', 40)).toBe(false)
})
