import { describe, expect, it } from 'vitest'
import { FairQueue } from './fair-queue.ts'

/** Work that ends when the test says so. */
const controlled = (queue: FairQueue) => {
  const begun: string[] = []
  const ends = new Map<string, (error?: Error) => void>()
  return {
    begun,
    run: (source: string, name: string) =>
      queue.run(source, () => {
        begun.push(name)
        return new Promise<string>((resolve, reject) => {
          ends.set(name, (error) => (error === undefined ? resolve(name) : reject(error)))
        })
      }),
    /** Ends a piece of work, and waits until what follows from that has happened. */
    end: async (name: string, error?: Error) => {
      ends.get(name)!(error)
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

describe('a fair queue', () => {
  it('runs no more than its number at the same time, in the order of one source', async () => {
    const queue = new FairQueue({ maximumRunning: 2, maximumQueued: 10 })
    const { begun, run, end } = controlled(queue)
    const results = ['1', '2', '3', '4'].map((name) => run('a', name))
    expect(begun).toEqual(['1', '2'])
    expect([queue.running, queue.queued]).toEqual([2, 2])
    await end('2')
    expect(begun).toEqual(['1', '2', '3'])
    for (const name of ['1', '3', '4']) await end(name)
    expect(await Promise.all(results)).toEqual(['1', '2', '3', '4'])
    expect([queue.running, queue.queued]).toEqual([0, 0])
  })

  it('lets the sources take turns', async () => {
    const { begun, run, end } = controlled(new FairQueue({ maximumRunning: 1, maximumQueued: 10 }))
    for (const name of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2']) void run(name[0]!, name)
    for (const name of ['a1', 'a2', 'b1', 'c1', 'a3', 'b2']) await end(name)
    expect(begun).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2'])
  })

  it('refuses what has no room', async () => {
    const queue = new FairQueue({ maximumRunning: 1, maximumQueued: 1 })
    const { begun, run, end } = controlled(queue)
    const [first, second] = [run('a', '1'), run('a', '2')]
    expect(await run('a', '3')).toBeUndefined()
    await end('1')
    await end('2')
    expect(await Promise.all([first, second])).toEqual(['1', '2'])
    expect(begun).toEqual(['1', '2'])
  })

  it('makes room for another source when one has filled it, but not for the sake of one more of the same number', async () => {
    const queue = new FairQueue({ maximumRunning: 1, maximumQueued: 4 })
    const { begun, run, end } = controlled(queue)
    void run('attacker', 'a0')
    const flood = ['a1', 'a2', 'a3', 'a4'].map((name) => run('attacker', name))
    const [b1, b2] = [run('b', 'b1'), run('b', 'b2')]
    expect(await run('b', 'b3')).toBeUndefined()
    expect(await Promise.all(flood.slice(0, 2))).toEqual([undefined, undefined])
    for (const name of ['a0', 'a3', 'b1', 'a4', 'b2']) await end(name)
    expect(begun).toEqual(['a0', 'a3', 'b1', 'a4', 'b2'])
    expect(await Promise.all([b1, b2])).toEqual(['b1', 'b2'])
    expect([queue.running, queue.queued]).toEqual([0, 0])
  })

  it('continues after work that failed', async () => {
    const queue = new FairQueue({ maximumRunning: 1, maximumQueued: 1 })
    const { run, end } = controlled(queue)
    const [failing, next] = [run('a', '1'), run('a', '2')]
    const failed = expect(failing).rejects.toThrow('no memory')
    await end('1', new Error('no memory'))
    await failed
    await end('2')
    expect(await next).toBe('2')
    expect(queue.running).toBe(0)
  })

  it('refuses all that waits when it is cleared', async () => {
    const queue = new FairQueue({ maximumRunning: 1, maximumQueued: 5 })
    const { run, end } = controlled(queue)
    const [running, ...waiting] = [run('a', '1'), run('a', '2'), run('b', '3')]
    queue.clear()
    expect(await Promise.all(waiting)).toEqual([undefined, undefined])
    await end('1')
    expect(await running).toBe('1')
    expect([queue.running, queue.queued]).toEqual([0, 0])
  })
})
