import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { deferred, failure, type Thing, things } from '../../test/system/journal.ts'

describe('deadlines', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })
  const hang = () => new Promise<never>(() => undefined)

  it.each([
    [undefined, 10_000],
    [50, 50],
  ])('end a start that hangs (startDeadlineMs: %s) after %s ms', async (startDeadlineMs, deadlineMs) => {
    let signal: AbortSignal | undefined
    const start = (_c: unknown, _d: unknown, context: { signal: AbortSignal }) => {
      signal = context.signal
      return hang()
    }
    const { system, journal } = things(
      { a: [], b: ['a'] },
      { b: { start, ...(startDeadlineMs && { startDeadlineMs }) } },
    )
    const started = failure(system.start())
    await vi.advanceTimersByTimeAsync(deadlineMs - 1)
    expect(signal!.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(signal!.aborted).toBe(true)
    const error = await started
    expect(error).toMatchObject({ code: 'START_TIMED_OUT', component: 'b', phase: 'start' })
    expect(error.message).toContain(`within ${deadlineMs} ms; if it needs longer, set b.startDeadlineMs`)
    expect(journal).toEqual(['start a', 'start b', 'stop a'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('leave no timer behind when they are kept', async () => {
    const { system } = things({ a: [], b: ['a'] })
    await system.start()
    expect(vi.getTimerCount()).toBe(0)
    await system.stop()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('have the instance of a start that is late stopped when it comes, and onChange told', async () => {
    const late = deferred<Thing>()
    const changes: string[] = []
    const { system, journal } = things(
      { a: [] },
      { a: { start: () => late.promise } },
      { onChange: ({ name, state }) => changes.push(`${name} ${state}`) },
    )
    const started = failure(system.start())
    await vi.advanceTimersByTimeAsync(10_000)
    await started
    expect(journal).toEqual(['start a'])
    late.resolve({ name: 'late' })
    await vi.advanceTimersByTimeAsync(0)
    expect(journal).toEqual(['start a', 'stop a'])
    expect(changes).toEqual(['a starting', 'a failed', 'a stopping', 'a failed'])
    expect(system.status()[0]!.error).toMatchObject({ code: 'START_TIMED_OUT' })
  })

  it('let a late instance be stopped before what it depends on, when the undo has not come there yet', async () => {
    const late = deferred<Thing>()
    const slowStop = deferred<void>()
    const { system, journal } = things(
      { base: [], late: ['base'], other: [] },
      {
        late: { start: () => late.promise, startDeadlineMs: 10, stop: () => slowStop.promise },
        // Heeds no signal, so that the undo has to wait until long after the first deadline.
        other: { start: hang, startDeadlineMs: 1000 },
      },
    )
    const started = failure(system.start())
    await vi.advanceTimersByTimeAsync(10)
    late.resolve({ name: 'late' })
    await vi.advanceTimersByTimeAsync(990)
    expect(journal.slice(3)).toEqual(['stop late'])
    slowStop.resolve()
    await vi.advanceTimersByTimeAsync(0)
    expect(await started).toMatchObject({
      component: 'late',
      errors: [{ code: 'START_TIMED_OUT', component: 'other' }],
    })
    expect(journal.slice(3)).toEqual(['stop late', 'stop base'])
  })

  it('ignore a late rejection', async () => {
    const late = deferred<Thing>()
    const { system } = things({ a: [] }, { a: { start: () => late.promise } })
    const started = failure(system.start())
    await vi.advanceTimersByTimeAsync(10_000)
    const error = await started
    late.reject(new Error('late'))
    await vi.advanceTimersByTimeAsync(0)
    expect(error.code).toBe('START_TIMED_OUT')
    expect(system.status()[0]!.state).toBe('failed')
  })

  it('end a stop that hangs, abort its signal, and continue', async () => {
    let signal: AbortSignal | undefined
    const stop = (_instance: unknown, context: { signal: AbortSignal }) => {
      signal = context.signal
      return hang()
    }
    const { system, journal } = things({ a: [], b: ['a'] }, { b: { stop, stopDeadlineMs: 20 } })
    await system.start()
    const stopped = failure(system.stop())
    await vi.advanceTimersByTimeAsync(20)
    const error = await stopped
    expect(error).toMatchObject({ code: 'STOP_FAILED', errors: [{ component: 'b', phase: 'stop' }] })
    expect(error.message).toContain('within 20 ms; if it needs longer, set b.stopDeadlineMs')
    expect(signal!.aborted).toBe(true)
    expect(journal.at(-1)).toBe('stop a')
    expect(vi.getTimerCount()).toBe(0)
  })
})
