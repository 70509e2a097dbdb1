/**
 * Makes the store of the benchmark with the store's own code, in a process of its own. Arguments: the directory of the store, and
 * `Contents` as JSON. Sends the share that is done from 0 to 1, and null at the end.
 */

import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { storeLmdbConfig } from '../../../components/store-lmdb/config.ts'
import { OpenStore } from '../../../components/store-lmdb/open-store.ts'
import type { Logger } from '../../../src/kinds/logger.ts'
import type { StoreRecord } from '../../../src/kinds/store.ts'
import { Message } from '../../../src/mqtt/message.ts'
import { NEVER_EXPIRES } from '../../../src/mqtt/session-expiry-interval.ts'
import { type Contents, clientIdOf, everyoneTopic, ownTopicOf, retainedTopicOf } from '../contents.ts'

/** Records that are appended in one turn of the event loop. */
const batchRecords = 1_000
/** How long the program waits while the store has enough to write. */
const pauseMs = 5

const ignore = () => undefined
const logger: Logger = {
  ...{ trace: ignore, debug: ignore, info: ignore, level: 'warn' },
  warn: (_details, message) => console.error(message),
  error: (_details, message) => console.error(message),
  isLevelEnabled: (level) => level === 'warn' || level === 'error',
  child: () => logger,
}

function* recordsOf(contents: Contents): Generator<StoreRecord> {
  const { sessions, messages, retained, receivers, payloadBytes } = contents
  const nowMs = Date.now()
  const payload = Buffer.alloc(payloadBytes, 'payload ')
  const grant = { qos: 1, noLocal: false, retainAsPublished: false, identifier: 0 } as const
  for (let number = 0; number < sessions; number += 1) {
    const session = clientIdOf(number)
    const expiry = { expiryIntervalSeconds: NEVER_EXPIRES, disconnectedAtMs: nowMs }
    yield { type: 'session', session: { id: session, userName: undefined, will: undefined, ...expiry } }
    yield { type: 'subscribed', session, subscription: { filter: ownTopicOf(number), ...grant } }
    if (number < receivers) yield { type: 'subscribed', session, subscription: { filter: everyoneTopic, ...grant } }
  }
  const place = { qos: 1, retain: false, subscriptionIdentifiers: [], shared: undefined, queuedAtMs: nowMs } as const
  const unsent = { packetIdentifier: 0, pubrecOrder: 0 }
  for (let sequence = 1; sequence <= messages; sequence += 1) {
    for (let number = 0; number < sessions; number += 1) {
      const message = Message.of({ topic: ownTopicOf(number), payload, qos: 1 })
      yield { type: 'queued', session: clientIdOf(number), queued: { sequence, message, ...place, ...unsent } }
    }
  }
  for (let number = 0; number < retained; number += 1) {
    yield {
      type: 'retained',
      message: Message.of({ topic: retainedTopicOf(number), payload, qos: 1, retain: true }),
    }
  }
}

const prepare = async (path: string, contents: Contents): Promise<void> => {
  const total = contents.sessions * (2 + contents.messages) + contents.receivers + contents.retained
  const store = await OpenStore.open(storeLmdbConfig.parse({ path }), logger)
  let appended = 0
  for (const record of recordsOf(contents)) {
    store.append(record)
    appended += 1
    if (appended % batchRecords !== 0) continue
    await nextTurn()
    while (store.pressure !== 'none') await sleep(pauseMs)
    process.send?.(appended / total)
  }
  await store.flush()
  await store.finish(new AbortController().signal)
  await store.environment.close()
}

const [path, json] = process.argv.slice(2)
if (path === undefined || json === undefined) throw new Error('usage: prepare DIRECTORY CONTENTS')
await prepare(path, JSON.parse(json) as Contents)
process.send?.(null, () => process.exit(0))
