/** What the commands of a store say of a file whose entries do not fit together. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Message } from '../../../src/mqtt/message.ts'
import { RecordingLogger } from '../../../test/helpers/recording-logger.ts'
import { queuedMessage, retainedSource, sessionRecord, subscriptionTo } from '../../../test/helpers/store-records.ts'
import { ByteWriter } from '../byte-writer.ts'
import { storeLmdbConfig } from '../config.ts'
import { Environment } from '../environment.ts'
import { numberKey, tables, writeStateKey } from '../layout.ts'
import { OpenStore } from '../open-store.ts'
import { readSource, writeSource, writeValue } from '../values.ts'
import { checkStore } from './check.ts'
import { exportLines } from './export.ts'
import { importLines } from './import.ts'
import { loggerTo } from './logger-to.ts'
import { statsOf } from './stats.ts'

let path: string
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'store-check-'))
})
afterEach(() => rmSync(path, { recursive: true }))

const silent = () => {}
const open = () => OpenStore.open(storeLmdbConfig.parse({ path }), new RecordingLogger())
const close = async (store: OpenStore): Promise<void> => {
  await store.finish(AbortSignal.timeout(10_000))
  await store.environment.close()
}
/** A store with so many sessions, which are all owed one message, and a retained message of a user. */
const fill = async (sessions: number): Promise<void> => {
  const store = await open()
  const message = Message.of({ topic: 'a', payload: 'x', qos: 1 })
  for (let number = 0; number < sessions; number += 1) {
    const id = `client-${number}`
    store.append({ type: 'session', session: sessionRecord({ id }) })
    store.append({ type: 'queued', session: id, queued: queuedMessage({ sequence: 1, message }) })
  }
  store.append({ type: 'subscribed', session: 'client-0', subscription: subscriptionTo('x') })
  store.append({ type: 'received', session: 'client-0', packetIdentifier: 9 })
  const retained = Message.of({ topic: 'r', payload: 'kept', retain: true })
  store.append({ type: 'retained', message: retained, source: retainedSource() })
  await store.flush()
  await close(store)
}
const withFile = async <T>(act: (environment: Environment) => T | Promise<T>): Promise<T> => {
  const environment = Environment.open(path)
  try {
    return await act(environment)
  } finally {
    await environment.close()
  }
}
const problems = () => withFile(async (environment) => (await checkStore(environment, silent)).problems)
const exported = () =>
  withFile(async (environment) => {
    const lines: { readonly [field: string]: unknown }[] = []
    for await (const text of exportLines(environment, silent)) lines.push(JSON.parse(text))
    return lines
  })
const sessionsOf = (environment: Environment) =>
  environment.keys(numberKey(tables.sessions, 0), Buffer.from([tables.sessions + 1]), 10)
const sourcesOf = (environment: Environment) =>
  environment.keys(numberKey(tables.sources, 0), Buffer.from([tables.sources + 1]), 10)

describe('check', () => {
  it('finds nothing wrong with a message that is owed to more sessions than one record holds', async () => {
    await fill(70)
    expect(await problems()).toEqual([])
    const [queued] = (await exported()).filter((line) => line['type'] === 'queued')
    expect(queued!['receivers']).toHaveLength(70)
  })

  it('finds a session that is there twice', async () => {
    await fill(1)
    await withFile((environment) => {
      const [key] = sessionsOf(environment)
      environment.put(numberKey(tables.sessions, 99), environment.get(key!)!)
    })
    expect(await problems()).toEqual(['the session client-0 is there twice'])
  })

  it('finds a state of a receiver that its message does not have', async () => {
    await fill(1)
    await withFile((environment) => {
      const [key, value] = [new ByteWriter(16), new ByteWriter(16)]
      writeStateKey(key, 1, 5)
      value.put(Buffer.alloc(20))
      environment.put(
        Buffer.from(key.bytes.subarray(0, key.position)),
        Buffer.from(value.bytes.subarray(0, value.position)),
      )
    })
    expect(await problems()).toEqual(['message 1 has a state of no receiver, 5'])
  })

  it('finds a publisher that is missing, and one that counts too few messages', async () => {
    await fill(1)
    const [key, value] = await withFile((environment) => {
      const [found] = sourcesOf(environment)
      return [found!, environment.get(found!)!] as const
    })
    await withFile((environment) => {
      const writer = new ByteWriter(100)
      writeSource(writer, readSource(value).source, 0)
      environment.put(key, Buffer.from(writer.bytes.subarray(0, writer.position)))
    })
    expect(await problems()).toEqual([
      expect.stringMatching(/^the publisher \d+ counts 0 messages, and more refer to it$/),
    ])
    await withFile((environment) => environment.removeAll([key]))
    expect(await problems()).toEqual([expect.stringMatching(/its publisher \d+ is not there$/)])
    await expect(exported()).rejects.toThrow(/its publisher \d+ is not there$/)
  })
})

describe('export', () => {
  it('has a retained message without a publisher, and leaves out what belongs to no session', async () => {
    const store = await open()
    store.append({ type: 'retained', message: Message.of({ topic: 'r', payload: 'x', retain: true }) })
    await store.flush()
    await close(store)
    await withFile((environment) => {
      const subscription = Buffer.concat([numberKey(tables.subscriptions, 7), Buffer.from('a')])
      environment.put(subscription, writeValue(subscriptionTo('a')))
      environment.put(Buffer.concat([numberKey(tables.received, 7), Buffer.from([0, 1])]), Buffer.from([1]))
    })
    const lines = await exported()
    expect(lines.map((line) => line['type'])).toEqual([undefined, 'retained'])
    expect(lines[1]).not.toHaveProperty('source')
  })

  it('of a directory without a store is the first line alone', async () => {
    expect(await exported()).toEqual([expect.objectContaining({ writtenBy: 'unknown' })])
  })
})

it('import skips empty lines, and writes many lines without keeping all of them in memory', async () => {
  await fill(1)
  const [head, ...rest] = (await exported()).map((line) => JSON.stringify(line))
  const [session] = rest.filter((line) => line.includes('"session"'))
  rmSync(path, { recursive: true })
  const store = await open()
  const lines = [
    head!,
    ...Array.from({ length: 1_100 }, (_, at) => (at % 2 === 0 ? session!.replace('client-0', `c-${at}`) : '')),
  ]
  const count = await importLines(
    (async function* () {
      yield* lines
    })(),
    store,
    silent,
  )
  expect([count, store.counts.sessions]).toEqual([1_101, 550])
  await close(store)
})

it('import refuses a session whose Will has no message', async () => {
  await fill(1)
  const [head, session] = (await exported()).map((line) => JSON.stringify(line))
  const wrong = JSON.parse(session!)
  wrong.session.will = { delayIntervalSeconds: 0, dueAtMs: null, message: 0 }
  rmSync(path, { recursive: true })
  const store = await open()
  const lines = (async function* () {
    yield head!
    yield JSON.stringify(wrong)
  })()
  await expect(importLines(lines, store, silent)).rejects.toThrow('line 2 cannot be read')
  await close(store)
})

it('stats says that a new file was written by none, and which process uses a file', async () => {
  const rows = await withFile((environment) => statsOf(environment, silent))
  expect(rows).toContain('format          none, written by mqtt-jig unknown')
  expect(rows).toContain('in use          no')
  const store = await open()
  expect(await statsOf(store.environment, silent)).toContainEqual(
    expect.stringMatching(`in use +by process ${process.pid} on `),
  )
  await close(store)
})

it('the log of a command has warnings and errors, and nothing else', () => {
  const stream = new PassThrough()
  const log = loggerTo(stream)
  log.info({}, 'not of interest')
  log.warn({}, 'slow')
  log.child({ component: 'store' }).error({}, 'full')
  expect(stream.read().toString()).toBe('slow\nfull\n')
  const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
  expect(levels.filter((level) => log.isLevelEnabled(level))).toEqual(['warn', 'error', 'fatal'])
})
