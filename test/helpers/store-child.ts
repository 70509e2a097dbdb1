/**
 * A process with a store, for tests that end it or take its disk away: `store-child.ts PATH BYTES SWAPS`. It queues messages of so many
 * bytes for a session that is away, one in each turn, and says on stdout what is durable, one line of JSON for each change. With SWAPS,
 * a successor takes over from the store after so many messages, again and again. When its stdin ends it stops, and says so.
 */

import { once } from 'node:events'
import { storeLmdbConfig } from '../../components/store-lmdb/config.ts'
import { OpenStore } from '../../components/store-lmdb/open-store.ts'
import { Message } from '../../src/mqtt/message.ts'
import { RecordingLogger } from './recording-logger.ts'
import { queuedMessage, sessionRecord } from './store-records.ts'

/** Resolves when the store has stopped. */
export const main = async ([path = '', bytes = '100', swaps = '0']: readonly string[]): Promise<number> => {
  const log = new RecordingLogger()
  let store = await OpenStore.open(storeLmdbConfig.parse({ path }), log)
  store.append({ type: 'session', session: sessionRecord({ id: 'away', disconnectedAtMs: 1 }) })
  const payload = Buffer.alloc(Number(bytes), 'x')
  let queued = 0
  let durable = 0
  /** By batch, the last number that was queued in it. */
  const lastOf = new Map<number, number>()
  store.onDurable(() => {
    for (const [batch, last] of lastOf) {
      if (batch > store.durableBatch) continue
      durable = last
      lastOf.delete(batch)
    }
    say({ durable, queued, pressure: store.pressure })
  })
  const swap = (): void => {
    const next = OpenStore.passive(storeLmdbConfig.parse({ path }), log)
    next.take(store.give())
    store = next
  }
  let isOver = false
  const queue = (): void => {
    if (isOver) return
    // What waits is bounded, as it is by clients that wait for their answers.
    if (queued - durable < MAXIMUM_WAITING) {
      queued += 1
      const message = Message.of({ topic: 't', payload, qos: 1 })
      lastOf.set(store.batch, queued)
      store.append({ type: 'queued', session: 'away', queued: queuedMessage({ sequence: queued, message }) })
      if (queued % Number(swaps) === 0) swap()
    }
    setImmediate(queue)
  }
  say({ opened: process.pid })
  queue()
  process.stdin.resume()
  await once(process.stdin, 'end')
  isOver = true
  await store.finish(AbortSignal.timeout(30_000))
  await store.environment.close()
  say({ stopped: queued, warnings: log.at('warn').map(({ message }) => message) })
  return 0
}

const say = (line: object): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

const MAXIMUM_WAITING = 500
