import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { TimerWheel } from './timer-wheel.ts'

const tickMs = 100

describe('KeepAlive', () => {
  it('reports an owner that was silent for the limit: never early, at most two ticks and a quarter late, and once', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20_000 }),
        fc.integer({ min: 0, max: 3_000 }),
        // Slots few enough for the wheel to turn several times.
        fc.integer({ min: 3, max: 40 }),
        (limitMs, heardAtMs, slots) => {
          const wheel = new TimerWheel<string>(0, tickMs, slots)
          const watch = wheel.watch('client', limitMs)
          const reportedAt: number[] = []
          let lastHeardAtMs = 0
          for (let nowMs = 0; nowMs <= heardAtMs + limitMs + 5 * tickMs; nowMs += tickMs / 2) {
            for (const _ of wheel.advance(nowMs)) reportedAt.push(nowMs)
            if (nowMs <= heardAtMs && reportedAt.length === 0) {
              wheel.heard(watch)
              lastHeardAtMs = nowMs
            }
          }
          expect(reportedAt).toHaveLength(1)
          expect(reportedAt[0]! - lastHeardAtMs).toBeGreaterThanOrEqual(limitMs)
          expect(reportedAt[0]! - lastHeardAtMs).toBeLessThanOrEqual(limitMs + 2.25 * tickMs)
        },
      ),
      { numRuns: 100 },
    )
  })

  /** Fractions of milliseconds that numbers can hold. */
  const eighths = (min: number, max: number) => fc.integer({ min, max }).map((value) => value / 8)
  /** Times of `advance`: once in each tick, a little early or late, now and then up to a tick late, and at any phase. */
  const jitters = fc.oneof({ weight: 9, arbitrary: eighths(-4, 24) }, eighths(0, 8 * tickMs))
  const advances = fc.tuple(fc.nat(tickMs - 1), fc.array(jitters, { minLength: 400, maxLength: 400 }))

  it.each([
    ['at most two ticks and a quarter late', false, 2.25],
    ['at most one tick late with an exact time', true, 1],
  ])('reports, %s, an owner whose last sign of life was at any time between two ticks', (_what, told, ticksLate) => {
    fc.assert(
      fc.property(
        // More than a call is late.
        fc.integer({ min: 10, max: 20_000 }),
        eighths(0, 40_000),
        fc.integer({ min: 3, max: 40 }),
        advances,
        (limitMs, heardAtMs, slots, [phaseMs, jitters]) => {
          const wheel = new TimerWheel<string>(0, tickMs, slots)
          let watch = told ? undefined : wheel.watch('client', limitMs)
          let reportedAtMs = Number.NaN
          let largestJitterMs = 0
          let nowMs = phaseMs
          let heard = false
          for (const jitterMs of jitters) {
            if (!heard && heardAtMs <= nowMs) {
              heard = true
              if (watch === undefined) watch = wheel.watch('client', limitMs, heardAtMs)
              else wheel.heard(watch)
            } else if (!heard && watch !== undefined) wheel.heard(watch)
            if (wheel.advance(nowMs).length > 0) {
              reportedAtMs = nowMs
              break
            }
            largestJitterMs = Math.max(largestJitterMs, jitterMs)
            nowMs += tickMs + jitterMs
          }
          expect(reportedAtMs - heardAtMs).toBeGreaterThanOrEqual(limitMs)
          // A call that is late adds its time, once before the silence and once at its end.
          expect(reportedAtMs - heardAtMs).toBeLessThanOrEqual(limitMs + ticksLate * tickMs + 2 * largestJitterMs)
        },
      ),
      { numRuns: 300 },
    )
  })

  const run = (wheel: TimerWheel<string>, fromMs: number, toMs: number): string[] => {
    const silent: string[] = []
    for (let nowMs = fromMs; nowMs <= toMs; nowMs += tickMs) silent.push(...wheel.advance(nowMs))
    return silent
  }

  it('takes another limit while it watches, shorter or longer', () => {
    const wheel = new TimerWheel<string>(0, tickMs, 16)
    const shorter = wheel.watch('shorter', 60_000)
    const longer = wheel.watch('longer', 500)
    wheel.limit(shorter, 1_000)
    wheel.limit(longer, 5_000)
    expect(run(wheel, 0, 2_000)).toEqual(['shorter'])
    expect(run(wheel, 2_100, 6_000)).toEqual(['longer'])
  })

  it('does not report without a limit or after the end of the watch', () => {
    const wheel = new TimerWheel<string>(0, tickMs, 16)
    wheel.watch('no limit', 0)
    wheel.limit(wheel.watch('limit taken back', 500), 0)
    const ended = wheel.watch('ended', 500)
    wheel.cancel(ended)
    wheel.cancel(ended)
    expect(run(wheel, 0, 10_000)).toEqual([])
  })

  describe('when `advance` is late', () => {
    it('reports at the next call, and only owners from which nothing has arrived', () => {
      const wheel = new TimerWheel<string>(0, tickMs, 16)
      wheel.watch('silent', 1_000)
      const alive = wheel.watch('alive', 1_000)
      wheel.advance(100)
      expect(wheel.advance(3_600_000)).toEqual([])
      // What had arrived is read now.
      wheel.heard(alive)
      expect(wheel.advance(3_600_100)).toEqual(['silent'])
      expect(run(wheel, 3_600_200, 3_600_900)).toEqual([])
      expect(run(wheel, 3_601_000, 3_601_300)).toEqual(['alive'])
    })

    it('catches up with the time, call by call, if each call is late', () => {
      const wheel = new TimerWheel<string>(0, tickMs, 16)
      wheel.watch('silent for 20 s', 20_000)
      const alive = wheel.watch('alive', 7_000)
      const silent: [number, string][] = []
      wheel.advance(100)
      for (let nowMs = 5_000; nowMs <= 40_000; nowMs += 5_000) {
        for (const owner of wheel.advance(nowMs)) silent.push([nowMs, owner])
        wheel.heard(alive)
      }
      expect(silent).toEqual([[30_000, 'silent for 20 s']])
    })

    it('counts the time of owners with a sign of life in the long tick from its end: never early', () => {
      const wheel = new TimerWheel<string>(0, tickMs, 16)
      run(wheel, 0, 1_000)
      const watch = wheel.watch('client', 1_000)
      // At 10,900 of a turn that takes until 11,000.
      wheel.heard(watch)
      expect(run(wheel, 11_000, 11_900)).toEqual([])
      expect(run(wheel, 12_000, 12_300)).toEqual(['client'])
    })

    it('reports at once what does not depend on what arrives', () => {
      const wheel = new TimerWheel<string>(0, tickMs, 16, false)
      wheel.watch('session', 5_000)
      wheel.advance(100)
      expect(wheel.advance(3_600_000)).toEqual(['session'])
    })
  })
})

it('examines only a few watches beyond the wheel in each tick', () => {
  const keepAlive = new TimerWheel<number>(0, 100, 64)
  for (let n = 0; n < 3_200; n++) keepAlive.watch(n, 1_000_000)
  const looks = vi.spyOn(Set.prototype, 'add')
  let most = 0
  for (let nowMs = 100; nowMs <= 20_000; nowMs += 100) {
    looks.mockClear()
    expect(keepAlive.advance(nowMs)).toEqual([])
    most = Math.max(most, looks.mock.calls.length)
  }
  looks.mockRestore()
  expect(most).toBeGreaterThan(0)
  expect(most).toBeLessThanOrEqual(400)
})
