import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { driving } from '../../test/contract/store-under-test.ts'
import { GatedLmdbStore } from '../../test/helpers/gated-lmdb-store.ts'
import { restoredState } from '../../test/helpers/restored-state.ts'
import { ByteWriter } from './byte-writer.ts'
import { checkStore } from './commands/check.ts'
import { exportLines } from './commands/export.ts'
import { ABOUT_KEY, FORMAT, tables, writeSentKey, writeState, writeStateKey } from './layout.ts'
import { readSentRow, SentRows } from './sent-rows.ts'
import { writeValue } from './values.ts'

const written = (write: (writer: ByteWriter) => void): Buffer => {
  const writer = new ByteWriter(16)
  write(writer)
  return Buffer.from(writer.bytes.subarray(0, writer.position))
}
const entry = (packetIdentifier: number, pubrecOrder: number) => ({ packetIdentifier, pubrecOrder, isInRow: true })

describe('rows of what was sent', () => {
  it('have 32 numbers each, say which of them have changed, and end with their last message', () => {
    const rows = new SentRows()
    expect([...rows.change([31, 32, 33].map((sequence) => [sequence, entry(sequence, 2 ** 47)] as const))]).toEqual([
      0, 1,
    ])
    const key = written((writer) => writeSentKey(writer, 7, 1))
    const value = written((writer) => rows.write(1, writer))
    expect(readSentRow(key, value)).toEqual(
      [32, 33].map((sequence) => ({ session: 7, sequence, packetIdentifier: sequence, pubrecOrder: 2 ** 47 })),
    )
    for (let length = 0; length < value.length; length += 1)
      expect(() => readSentRow(key, value.subarray(0, length))).toThrow(RangeError)
    expect(() => readSentRow(key, Buffer.from(value).fill(32, 1, 2))).toThrow('no message 32')
    expect([...rows.change([[32, undefined]])]).toEqual([1])
    expect([rows.has(0), rows.has(1)]).toEqual([true, true])
    rows.change([
      [33, undefined],
      [33, undefined],
      [34, undefined],
    ])
    expect([rows.has(0), rows.has(1), rows.isEmpty]).toEqual([true, false, false])
    rows.change([[31, undefined]])
    expect(rows.isEmpty).toBe(true)
  })
})

describe('what was sent of messages in the file', () => {
  let store: GatedLmdbStore
  beforeEach(async () => {
    store = await GatedLmdbStore.open()
    store.environment.put(ABOUT_KEY, writeValue({ format: FORMAT, version: '0.0.0', owner: null }))
  })
  afterEach(() => store.dispose())
  const { append, begin, queue } = driving(() => store)
  const rows = (table: number) => store.environment.rows(Buffer.from([table]), Buffer.from([table + 1]), 1_000_000, 1e9)
  const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)
  const send = (session: string, sequence: number) =>
    append({ type: 'sent', session, sequence, packetIdentifier: sequence + 1_000 })
  const states = (session: string) =>
    store
      .read(session, 0, 1_000)
      .map(({ sequence, packetIdentifier, pubrecOrder }) => [sequence, packetIdentifier, pubrecOrder])
  const problems = async () => (await checkStore(store.environment, () => undefined)).problems

  it('takes an entry for 32 messages of a session, which leaves with the last of them', async () => {
    begin('a', 'b')
    queue('a', ...upTo(100))
    queue('b', 1)
    store.settleAll()
    for (const sequence of upTo(100)) send('a', sequence)
    send('b', 1)
    store.settleAll()
    expect(rows(tables.sent)).toHaveLength(5)
    append({ type: 'pubrec', session: 'a', sequence: 2, pubrecOrder: 5 })
    for (const sequence of upTo(40)) if (sequence !== 2) append({ type: 'done', session: 'a', sequence })
    store.settleAll()
    expect(await problems()).toEqual([])
    store = await store.crash()
    expect(states('a').slice(0, 2)).toEqual([
      [2, 1_002, 5],
      [41, 1_041, 0],
    ])
    append({ type: 'done', session: 'a', sequence: 2 }, { type: 'done', session: 'b', sequence: 1 })
    for (const sequence of upTo(100)) if (sequence > 40) append({ type: 'done', session: 'a', sequence })
    store.settleAll()
    expect([rows(tables.sent), rows(tables.messages)]).toEqual([[], []])
  })

  it('is as old as its batch: a message that is done in a later one keeps its numbers until then', async () => {
    begin('a')
    queue('a', 1)
    store.settleAll()
    send('a', 1)
    store.settleAll()
    append({ type: 'pubrec', session: 'a', sequence: 1, pubrecOrder: 1 })
    store.endTurn()
    append({ type: 'done', session: 'a', sequence: 1 })
    // The batch of PUBREC is durable, the one of PUBCOMP is not.
    store.passCommit()
    store = await store.crash()
    expect(states('a')).toEqual([[1, 1_001, 1]])
  })

  it('leaves the file with its session, also when that ends in the batch in which the message was sent', async () => {
    begin('a', 'b')
    queue('a', 1)
    queue('b', 1)
    store.settleAll()
    send('a', 1)
    store.settleAll()
    send('b', 1)
    append({ type: 'session-ended', session: 'a' }, { type: 'session-ended', session: 'b' })
    store.settleAll()
    expect([rows(tables.sent), rows(tables.messages)]).toEqual([[], []])
  })

  it('does not pass to another message when the message alone has left the file', async () => {
    begin('a')
    queue('a', 1, 2)
    store.settleAll()
    send('a', 2)
    store.settleAll()
    // As after a full disk: removals are committed before the rest.
    store.environment.removeAll(rows(tables.messages).map(({ key }) => key))
    expect(await problems()).toEqual([])
    store = await store.crash()
    const { sessions } = await restoredState(store)
    expect(sessions[0]!.queue).toEqual({ count: 0, bytes: 0, lastSequence: 2 })
    queue('a', 3)
    store.settleAll()
    expect(rows(tables.sent)).toEqual([])
    store = await store.crash()
    expect(states('a')).toEqual([[3, 0, 0]])
  })

  it('is read from a file of format 1, where it is beside the message, and goes on in rows', async () => {
    begin('a')
    queue('a', 1, 2)
    store.settleAll()
    const [first, second] = rows(tables.messages).map(({ key }) => key.readUIntBE(1, 6))
    const { environment } = store
    for (const [id, packetIdentifier] of [
      [first!, 51],
      [second!, 52],
    ] as const) {
      const state = { isDone: false, packetIdentifier, pubrecOrder: 0 }
      const key = written((writer) => writeStateKey(writer, id, 0))
      environment.put(
        key,
        written((writer) => writeState(writer, state)),
      )
    }
    expect(await problems()).toEqual([])
    store = await store.crash()
    expect(states('a')).toEqual([
      [1, 51, 0],
      [2, 52, 0],
    ])
    append({ type: 'pubrec', session: 'a', sequence: 1, pubrecOrder: 3 })
    store.settleAll()
    store = await store.crash()
    expect(states('a')).toEqual([
      [1, 51, 3],
      [2, 52, 0],
    ])
    const lines: string[] = []
    for await (const line of exportLines(store.environment, () => undefined)) lines.push(line)
    expect(lines.join('')).toMatch(/"packetIdentifier":51,"pubrecOrder":3[\s\S]*"packetIdentifier":52,"pubrecOrder":0/)
    append({ type: 'done', session: 'a', sequence: 1 }, { type: 'done', session: 'a', sequence: 2 })
    store.settleAll()
    expect([rows(tables.sent), rows(tables.messages)]).toEqual([[], []])
  })

  it('is refused when two messages of a session have one Packet Identifier', async () => {
    begin('a')
    queue('a', 1, 2)
    store.settleAll()
    for (const sequence of [1, 2]) append({ type: 'sent', session: 'a', sequence, packetIdentifier: 9 })
    store.settleAll()
    expect(await problems()).toEqual(['the session a has two messages with the Packet Identifier 9'])
  })
})
