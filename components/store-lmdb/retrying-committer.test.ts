import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { eventually } from '../../test/helpers/eventually.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import type { CommitOptions } from './file-space.ts'
import { Operations } from './operations.ts'
import { type CommitTarget, RetryingCommitter } from './retrying-committer.ts'

/** A file whose commits end as the test says. */
class Target implements CommitTarget {
  readonly path = 'data'
  /** How many operations each attempt had. */
  readonly attempts: number[] = []
  failures = 0
  takesMs = 0
  free: number | undefined = 1e9

  freeBytes(): Promise<number | undefined> {
    return Promise.resolve(this.free)
  }

  async commit(operations: Operations, { count = operations.count }: CommitOptions): Promise<void> {
    this.attempts.push(count)
    if (this.takesMs > 0) await new Promise((resolve) => setTimeout(resolve, this.takesMs))
    if (this.failures === 0) return
    this.failures -= 1
    throw new Error('Input/output error')
  }
}

const removals = (early: number, rest: number): Operations => {
  const operations = new Operations()
  for (let n = 0; n < early; n += 1) operations.remove(Buffer.from([n]))
  operations.endEarly()
  for (let n = 0; n < rest; n += 1) operations.remove(Buffer.from([100 + n]))
  return operations
}

describe('a committer that tries again', () => {
  let target: Target
  let log: RecordingLogger
  let committer: RetryingCommitter
  /** `isStuck` at each call. */
  let told: boolean[]
  beforeEach(() => {
    vi.useFakeTimers()
    target = new Target()
    log = new RecordingLogger()
    committer = new RetryingCommitter(target, log, 16_000_000)
    told = []
    committer.onStuck(() => told.push(committer.isStuck))
    committer.onFailure(() => 17)
  })
  afterEach(() => {
    committer.stop()
    vi.useRealTimers()
  })

  it('commits once when it succeeds', async () => {
    const done = vi.fn()
    committer.commit(removals(1, 2), done)
    await eventually(() => expect(done).toHaveBeenCalledOnce())
    expect(target.attempts).toEqual([3])
    expect(committer.counters).toMatchObject({ commits: 1, failedCommits: 0 })
    expect([told, log.lines]).toEqual([[], []])
  })

  it('is stuck until it succeeds, commits removals first then, and says both once', async () => {
    target.failures = 3
    const done = vi.fn()
    committer.commit(removals(1, 2), done)
    await eventually(() => expect(committer.isStuck).toBe(true))
    expect(done).not.toHaveBeenCalled()
    await eventually(() => expect(done).toHaveBeenCalledOnce())
    // The removals alone fail twice, then both succeed.
    expect(target.attempts).toEqual([3, 1, 1, 1, 3])
    expect([committer.isStuck, told]).toEqual([false, [true, false]])
    expect(committer.counters).toMatchObject({ commits: 1, failedCommits: 3 })
    expect(log.at('warn').map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /^The store could not write to .*: Input\/output error; \d+ bytes are free, 17 records wait\. It/,
      ),
    ])
    expect(log.at('info')).toHaveLength(1)
  })

  it('waits longer from one attempt to the next, up to a second', async () => {
    target.failures = 8
    committer.commit(removals(0, 1), () => undefined)
    const times: number[] = []
    for (let known = 0; target.failures > 0; ) {
      await vi.advanceTimersByTimeAsync(10)
      if (target.attempts.length > known) times.push(performance.now())
      known = target.attempts.length
    }
    const waits = times.slice(1).map((time, index) => Math.round((time - times[index]!) / 50) * 50)
    expect(waits).toEqual([50, 100, 200, 400, 800, 1000, 1000])
  })

  it('writes nothing but removals while less than the minimum would stay free', async () => {
    target.free = 15_900_000
    const done = vi.fn()
    committer.commit(removals(1, 2), done)
    await vi.advanceTimersByTimeAsync(3_000)
    expect([committer.isStuck, new Set(target.attempts), done.mock.calls]).toEqual([true, new Set([1]), []])
    expect(log.at('warn').map(({ message }) => message)).toEqual([
      expect.stringContaining('less than minimumFreeBytes (16000000) are free; 15900000 bytes are free'),
    ])
    target.free = 17_000_000
    await vi.advanceTimersByTimeAsync(1_000)
    expect([committer.isStuck, target.attempts.at(-1)]).toEqual([false, 3])
    expect(done).toHaveBeenCalledOnce()
  })

  it('does not even write removals when next to nothing is free', async () => {
    target.free = 1_000
    committer.commit(removals(1, 2), () => undefined)
    await vi.advanceTimersByTimeAsync(20_000)
    expect(target.attempts).toEqual([])
  })

  it('looks at the free space once a second', async () => {
    const freeBytes = vi.spyOn(target, 'freeBytes')
    const commit = () => new Promise<void>((resolve) => committer.commit(removals(0, 1), resolve))
    for (let n = 0; n < 50; n += 1) await commit()
    expect(freeBytes).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(1_000)
    await commit()
    expect(freeBytes).toHaveBeenCalledTimes(2)
  })

  it('lets the file grow no further than the minimum allows, and removals as far as they need', async () => {
    const commit = vi.spyOn(target, 'commit')
    target.failures = 1
    const done = vi.fn()
    committer.commit(removals(1, 2), done)
    await vi.advanceTimersByTimeAsync(50)
    expect(done).toHaveBeenCalledOnce()
    const keepFree = 16_000_000
    expect(commit.mock.calls.map(([, options]) => options)).toEqual([
      { keepFree },
      { count: 1, isUrgent: true },
      { keepFree },
    ])
  })

  it('warns of a slow disk once, until it was fast again', async () => {
    const commit = () =>
      new Promise<void>((resolve) => {
        committer.commit(removals(0, 1), resolve)
      })
    for (const takesMs of [0, 1_500, 2_000, 0, 3_000]) {
      target.takesMs = takesMs
      const committed = commit()
      await vi.advanceTimersByTimeAsync(takesMs + 1)
      await committed
    }
    expect(log.at('warn').map(({ message }) => message)).toEqual([
      expect.stringMatching(/took 15\d\d ms\. The disk is slow/),
      expect.stringMatching(/took 30\d\d ms\. The disk is slow/),
    ])
    expect(committer.counters.slowCommits).toBe(3)
  })

  it('goes on where the file system does not say how much is free', async () => {
    target.free = undefined
    target.failures = 1
    const done = vi.fn()
    committer.commit(removals(0, 1), done)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(done).toHaveBeenCalledOnce()
    expect(log.at('warn')).toMatchObject([
      { message: expect.stringContaining('the free space is unknown, 17 records wait') },
    ])
  })

  it.each(['freeBytes', 'commit'] as const)('that is stopped during %s says nothing of the result', async (step) => {
    for (const fails of [false, true]) {
      const done = vi.fn()
      const stopped = new RetryingCommitter(target, log, 16_000_000)
      let finish!: () => void
      const wait = new Promise<void>((resolve) => {
        finish = resolve
      })
      const spy = vi.spyOn(target, step).mockImplementation(async () => {
        await wait
        if (fails) throw new Error('Input/output error')
        return undefined as never
      })
      stopped.commit(removals(0, 1), done)
      await vi.advanceTimersByTimeAsync(0)
      stopped.stop()
      finish()
      await vi.advanceTimersByTimeAsync(10_000)
      expect([spy.mock.calls.length, done.mock.calls, stopped.isStuck, log.lines]).toEqual([1, [], false, []])
      spy.mockRestore()
    }
  })

  it('tries no more after it was stopped', async () => {
    target.failures = 1_000
    const done = vi.fn()
    committer.commit(removals(0, 1), done)
    await eventually(() => expect(committer.isStuck).toBe(true))
    committer.stop()
    const { length } = target.attempts
    await vi.advanceTimersByTimeAsync(60_000)
    expect(target.attempts).toHaveLength(length)
    expect(done).not.toHaveBeenCalled()
  })
})
