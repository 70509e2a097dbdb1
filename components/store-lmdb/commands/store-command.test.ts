import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Message } from '../../../src/mqtt/message.ts'
import { RecordingLogger } from '../../../test/helpers/recording-logger.ts'
import { restoredState } from '../../../test/helpers/restored-state.ts'
import {
  messageParts,
  queuedMessage,
  retainedSource,
  sessionRecord,
  subscriptionTo,
  will,
} from '../../../test/helpers/store-records.ts'
import { storeLmdbConfig } from '../config.ts'
import { messageKey, numberKey } from '../layout.ts'
import { OpenStore } from '../open-store.ts'
import { main } from './store-command.ts'

let directory: string
let path: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'store-command-'))
  path = join(directory, 'data')
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const sink = () => {
  const chunks: string[] = []
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk.toString())
      done()
    },
  })
  return { stream, text: () => chunks.join('') }
}

/** Runs a command line on the store, in this process. */
const run = async (args: readonly string[], input = '') => {
  const stdout = sink()
  const stderr = sink()
  const again = async () => ({ code: (await run([...args, '--here'])).code, signal: null })
  const streams = { stdin: Readable.from([input]), stdout: stdout.stream, stderr: stderr.stream }
  const code = await main([...args, '--path', path], { name: 'store' }, streams, again)
  return { code, out: stdout.text(), err: stderr.text() }
}

const open = (at = path) => OpenStore.open(storeLmdbConfig.parse({ path: at }), new RecordingLogger())
const close = async (store: OpenStore) => {
  await store.finish(AbortSignal.timeout(10_000))
  await store.environment.close()
}

/** Two sessions, a message that is owed to both and one that is in flight, a subscription, an identifier, a retained message. */
const fill = async () => {
  const store = await open()
  const message = Message.of({ topic: 'grüße', payload: Buffer.from([0, 255]), qos: 1 })
  for (const id of ['a', 'b']) {
    store.append({ type: 'session', session: sessionRecord({ id, disconnectedAtMs: 1.5, will: will(`w/${id}`) }) })
    store.append({ type: 'queued', session: id, queued: queuedMessage({ sequence: 1, message, shared: '$share/g/x' }) })
  }
  store.append({ type: 'queued', session: 'a', queued: queuedMessage({ sequence: 2, qos: 2, packetIdentifier: 7 }) })
  store.append({ type: 'queued', session: 'a', queued: queuedMessage({ sequence: 3 }) })
  store.append({ type: 'subscribed', session: 'a', subscription: subscriptionTo('x/+') })
  store.append({ type: 'received', session: 'b', packetIdentifier: 9 })
  store.append({
    type: 'retained',
    message: Message.of({ topic: 'r', payload: 'kept', retain: true, expiresAtMs: 1e15 }),
    source: retainedSource(),
  })
  await store.flush()
  store.append({ type: 'pubrec', session: 'a', sequence: 2, pubrecOrder: 4 })
  store.append({ type: 'done', session: 'b', sequence: 1 })
  await close(store)
}

const contentOf = async (at = path) => {
  const store = await open(at)
  const { sessions, retained } = await restoredState(store)
  const content = {
    sessions: sessions.map(({ will: found, ...session }) => ({
      ...session,
      will: found && messageParts(found.message),
      queue: session.queue,
      messages: store.read(session.id, 0, 100).map(({ message, ...rest }) => ({ ...rest, ...messageParts(message) })),
    })),
    retained: retained.map(({ message, source }) => ({ ...messageParts(message), source })),
  }
  await close(store)
  return content
}

describe('mqtt-jig store', () => {
  it('says how it is called when the command line is wrong', async () => {
    expect(await run([])).toMatchObject({ code: 2, err: expect.stringContaining('Say what to do: stats, check') })
    expect((await run(['stats', 'x'])).err).toContain('stats takes no name')
    expect((await run(['export', 'x', 'y'])).err).toContain('one name at most')
    expect((await run(['backup'])).err).toContain('Name the directory')
    expect((await run(['stats', '--pth', 'x'])).code).toBe(2)
    expect(await run(['--help'])).toMatchObject({ code: 0, out: expect.stringContaining('Usage: store ACTION') })
  })

  it('says that there is no store', async () => {
    for (const action of ['stats', 'check', 'compact', 'export']) {
      expect(await run([action])).toMatchObject({ code: 1, err: `There is no store in ${path}.\n` })
    }
  })

  it('stats says what is in the store, and whether it is in use', async () => {
    await fill()
    const { code, out } = await run(['stats'])
    expect(code).toBe(0)
    const rows = new Map(out.split('\n').map((line) => [line.slice(0, 15).trim(), line.slice(16)]))
    expect(rows.get('sessions')).toMatch(/^2 entries, \d+ bytes$/)
    expect(rows.get('messages')).toMatch(/^3 entries/)
    expect(rows.get('states')).toMatch(/^1 entries/)
    expect(rows.get('sent')).toMatch(/^1 entries/)
    expect(rows.get('subscriptions')).toMatch(/^1 entries/)
    expect(rows.get('received')).toMatch(/^1 entries/)
    expect(rows.get('retained')).toMatch(/^1 entries/)
    expect(rows.get('format')).toMatch(/^2, written by mqtt-jig \d/)
  })

  it('check finds a store in order that is', async () => {
    await fill()
    expect(await run(['check'])).toMatchObject({ code: 0 })
    expect(await run(['check', '--here'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/in order: 11 entries/),
    })
  })

  it('check reports a process that was ended by the damage', async () => {
    await fill()
    const stderr = sink()
    const streams = { stdin: Readable.from([]), stdout: sink().stream, stderr: stderr.stream }
    const again = async () => ({ code: null, signal: 'SIGBUS' as const })
    expect(await main(['check', '--path', path], { name: 'store' }, streams, again)).toBe(1)
    expect(stderr.text()).toContain('is damaged: the process that read it was ended by SIGBUS')
  })

  it('check names what cannot be read, the start refuses it, and check --drop removes it after a backup', async () => {
    await fill()
    const store = await open()
    const { environment } = store
    environment.transaction(() => {
      environment.put(messageKey(1, 0), Buffer.from([1, 2, 3]))
      environment.put(numberKey(3, 2), Buffer.from('no session'))
    })
    await close(store)
    await expect(open()).rejects.toThrow(
      /The store in .* cannot be read: the entry 0300000002 cannot be read: .*store check/,
    )
    const found = await run(['check', '--here'])
    expect(found.code).toBe(1)
    expect(found.out).toMatch(/the entry 0300000002 cannot be read/)
    expect(found.out).toMatch(/the entry 010000000000010000 cannot be read/)
    const dropped = await run(['check', '--here', '--drop'])
    expect(dropped.code).toBe(0)
    // The state of the message is removed with it.
    expect(dropped.out).toMatch(/3 entries were removed; a copy of the store as it was is in .*backup-/)
    const { sessions } = await contentOf()
    expect(sessions.map(({ id, messages }) => [id, messages.map(({ sequence }) => sequence)])).toEqual([['a', [2, 3]]])
    expect(await run(['check', '--here'])).toMatchObject({ code: 0 })
    expect(readdirSync(path).some((name) => name.startsWith('backup-'))).toBe(true)
  })

  it('check finds numbers that are there twice', async () => {
    await fill()
    const store = await open()
    const { environment } = store
    const value = environment.get(messageKey(3, 0))!
    environment.transaction(() => environment.put(messageKey(90, 0), value))
    await close(store)
    expect((await run(['check', '--here'])).out).toContain('the session a has two messages with the number 3')
  })

  it('compact makes the file smaller and keeps everything', async () => {
    await fill()
    const store = await open()
    for (let n = 0; n < 2_000; n += 1) {
      store.append({
        type: 'retained',
        message: Message.of({ topic: `t/${n}`, payload: Buffer.alloc(500), retain: true }),
      })
    }
    await store.flush()
    for (let n = 0; n < 2_000; n += 1) store.append({ type: 'retained-removed', topic: `t/${n}` })
    await close(store)
    const before = await contentOf()
    const size = statSync(join(path, 'data.mdb')).size
    expect(await run(['compact'])).toMatchObject({ code: 0 })
    expect(statSync(join(path, 'data.mdb')).size).toBeLessThan(size / 4)
    expect(await contentOf()).toEqual(before)
    expect(readdirSync(path).toSorted()).toEqual(['data.mdb', 'lock.mdb'])
  })

  it('backup copies a store that runs', async () => {
    await fill()
    const content = await contentOf()
    const store = await open()
    const copy = join(directory, 'copy')
    await store.environment.backup(copy)
    await close(store)
    expect(await contentOf(copy)).toEqual(content)
    expect(await run(['backup', copy])).toMatchObject({ code: 1, err: `${copy} is not empty.\n` })
    const other = join(directory, 'other')
    expect(await run(['backup', other])).toMatchObject({ code: 0 })
    expect(await contentOf(other)).toEqual(content)
  })

  it('import brings back what export wrote', async () => {
    await fill()
    const content = await contentOf()
    const { out } = await run(['export'])
    const file = join(directory, 'export.jsonl')
    expect(await run(['export', file])).toMatchObject({ code: 0, out: '' })
    expect(readFileSync(file, 'utf8')).toBe(out)
    expect(await run(['import'], out)).toMatchObject({ code: 1, err: expect.stringContaining('already') })
    rmSync(path, { recursive: true })
    expect(await run(['import'], out)).toMatchObject({ code: 0 })
    expect(await contentOf()).toEqual(content)
    rmSync(path, { recursive: true })
    expect(await run(['import', file])).toMatchObject({ code: 0 })
    expect(await contentOf()).toEqual(content)
  })

  it('import names the line that it cannot read', async () => {
    const cases: [string, string][] = [
      ['', 'there is no line'],
      ['no json\n', 'line 1 cannot be read'],
      ['{"export":"mqtt-jig store","version":99}\n', 'line 1 cannot be read'],
      ['{"export":"mqtt-jig store","version":1}\n{"type":"session"}\n', 'line 2 cannot be read'],
    ]
    for (const [input, reason] of cases) {
      rmSync(path, { recursive: true, force: true })
      const { code, err } = await run(['import'], input)
      expect([code, err]).toEqual([1, expect.stringContaining(reason)])
    }
  })

  it('refuses a file that is damaged', async () => {
    await fill()
    const file = join(path, 'data.mdb')
    const bytes = readFileSync(file)
    writeFileSync(file, Buffer.alloc(bytes.length, 7))
    const { code, err } = await run(['stats'])
    expect(code).toBe(1)
    expect(err).toContain('data.mdb is damaged: it is no LMDB file, or its head was overwritten')
  })
})
