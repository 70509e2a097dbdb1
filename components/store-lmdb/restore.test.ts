import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { driving, durable } from '../../test/contract/store-under-test.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { storeLmdbConfig } from './config.ts'
import { Environment } from './environment.ts'
import { OpenStore } from './open-store.ts'
import { loadIndex } from './restore.ts'

let path: string
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'restore-'))
})
afterEach(() => rmSync(path, { recursive: true, force: true }))

it('the index is the same however often places are put into queues while it is read', async () => {
  const store = await OpenStore.open(storeLmdbConfig.parse({ path }), new RecordingLogger())
  const { begin, queue } = driving(() => store)
  begin('a', 'b')
  for (let sequence = 1; sequence <= 1_500; sequence += 1) {
    queue('a', sequence)
    if (sequence % 3 === 0) queue('b', sequence)
  }
  await durable(store)
  await store.finish(AbortSignal.timeout(10_000))
  await store.environment.close()
  const environment = Environment.open(path)
  const placesOf = async (mostPlaces?: number) => {
    const { sessions, table } = await loadIndex(environment, undefined, mostPlaces)
    return [...sessions].map(([id, session]) => {
      const found: (readonly [number, number])[] = []
      const index = session.queue
      for (let at = index.findAfter(0); at !== -1; at = index.next(at))
        found.push([index.sequenceAt(at), table.idOf(index.slotAt(at))])
      return [id, index.count, found] as const
    })
  }
  const places = await placesOf()
  expect(places.map(([id, count]) => [id, count])).toEqual([
    ['a', 1_500],
    ['b', 500],
  ])
  expect(await placesOf(10)).toEqual(places)
  await environment.close()
})
