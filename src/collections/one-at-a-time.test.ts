import { expect, it } from 'vitest'
import { OneAtATime } from './one-at-a-time.ts'

it('begins work when the work before it has settled, also when that failed', async () => {
  const queue = new OneAtATime()
  const events: string[] = []
  const work = (name: string, error?: Error) => async () => {
    events.push(`${name} begins`)
    await Promise.resolve()
    events.push(`${name} ends`)
    if (error !== undefined) throw error
    return name
  }
  const results = [queue.run(work('a')), queue.run(work('b', new Error('b failed'))), queue.run(work('c'))]
  await queue.settled()
  expect(events).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  expect(await Promise.allSettled(results)).toMatchObject([
    { value: 'a' },
    { reason: { message: 'b failed' } },
    { value: 'c' },
  ])
})
