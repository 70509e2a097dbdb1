import { expect, it } from 'vitest'
import { CounterLoad, LoadAverage } from './load-average.ts'

/** Adds the same count every ten seconds. */
const after = (minutes: number, count: number, seconds: number): number => {
  const average = new LoadAverage(minutes)
  for (let second = 0; second < seconds; second += 10) average.add(count, 10_000)
  return average.perMinute
}

it('approaches a steady rate: after the time of the average by 63 percent', () => {
  const part = 1 - Math.exp(-1)
  expect(after(1, 10, 60)).toBeCloseTo(60 * part, 10)
  expect(after(5, 10, 300)).toBeCloseTo(60 * part, 10)
  expect(after(15, 10, 900)).toBeCloseTo(60 * part, 10)
  expect(after(1, 10, 3_600)).toBeCloseTo(60, 10)
})

it('does not depend on how often it is asked', () => {
  const rare = new LoadAverage(1)
  rare.add(60, 60_000)
  expect(after(1, 10, 60)).toBeCloseTo(rare.perMinute, 10)
})

it('has the values of mosquitto: 2 connects in the first second, then none', () => {
  const average = new LoadAverage(1)
  average.add(2, 1_000)
  expect(average.perMinute.toFixed(2)).toBe('1.98')
  average.add(0, 1_000)
  expect(average.perMinute.toFixed(2)).toBe('1.95')
})

it('the load of a counter begins with the second look, and a counter that begins anew is no negative rate', () => {
  const load = new CounterLoad()
  load.look(1_000_000, 10_000)
  load.look(1_000_000, 10_000)
  expect(load.perMinute).toEqual([0, 0, 0])
  load.look(1_000_010, 10_000)
  const [one, five, fifteen] = load.perMinute
  expect([one! > five!, five! > fifteen!, fifteen! > 0]).toEqual([true, true, true])
  load.look(0, 10_000)
  expect(load.perMinute.every((each) => each > 0)).toBe(true)
  load.look(5, 0)
  expect(load.perMinute.every(Number.isFinite)).toBe(true)
  expect(new CounterLoad(load.perMinute).perMinute).toEqual(load.perMinute)
})
