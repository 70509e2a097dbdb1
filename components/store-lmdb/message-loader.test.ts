import { expect, it, vi } from 'vitest'
import { Message } from '../../src/mqtt/message.ts'
import { queuedMessage } from '../../test/helpers/store-records.ts'
import { ByteWriter } from './byte-writer.ts'
import { messageKey, writeMessage, writeReceiver } from './layout.ts'
import { MessageLoader } from './message-loader.ts'
import { NumberedSessions } from './numbered-sessions.ts'
import { QueueIndex } from './queue-index.ts'

/** For each message, the sessions that it is owed to and its sequence number in each. */
type Receivers = readonly (readonly [session: number, sequence: number, shared?: string])[]

const entryOf = (receivers: Receivers): Buffer => {
  const writer = new ByteWriter()
  writer.u8(receivers.length)
  for (const [session, sequence, shared] of receivers)
    writeReceiver(writer, session, queuedMessage({ sequence, shared }), 0, 0)
  writeMessage(writer, Message.of({ topic: 't', payload: 'p' }))
  return Buffer.from(writer.bytes.subarray(0, writer.position))
}

const started = (...numbers: number[]) => {
  const sessions = new NumberedSessions()
  for (const number of numbers) sessions.add({ id: `s${number}`, number, queue: new QueueIndex(), since: 0 })
  const loader = new MessageLoader(sessions)
  let id = 0
  const take = (...messages: Receivers[]) => {
    for (const receivers of messages) {
      id += 1
      loader.take(messageKey(id, 0), entryOf(receivers))
    }
  }
  return { sessions, loader, take }
}

const queueOf = (sessions: NumberedSessions, number: number): unknown[] => {
  const { queue } = sessions.get(number)!
  const found: unknown[] = []
  for (let at = queue.findAfter(0); at !== -1; at = queue.next(at))
    found.push([queue.sequenceAt(at), queue.slotAt(at), queue.indexAt(at), queue.isSharedAt(at)])
  return found
}

it('puts messages into the queues of their sessions, in the order of the sequence numbers', async () => {
  const { sessions, loader, take } = started(2, 5, 6)
  take(
    [[5, 1]],
    [
      [2, 1],
      [5, 2, '$share/g/t'],
    ],
    [
      [6, 7],
      [5, 4],
      [9, 1],
    ],
    [[5, 3]],
  )
  await loader.end()
  expect(queueOf(sessions, 2)).toEqual([[1, 1, 0, false]])
  expect(queueOf(sessions, 5)).toEqual([
    [1, 0, 0, false],
    [2, 1, 1, true],
    [3, 3, 0, false],
    [4, 2, 1, false],
  ])
  expect(queueOf(sessions, 6)).toEqual([[7, 2, 0, false]])
  expect([sessions.get(5)!.queue.count, sessions.get(5)!.queue.lastSequence]).toEqual([4, 4])
  expect([0, 1, 2, 3].map((slot) => loader.table.liveOf(slot))).toEqual([1, 2, 2, 1])
  expect([loader.highestSession, loader.unowed]).toEqual([9, []])
})

it('goes on behind what was put there before', async () => {
  const { sessions, loader, take } = started(1, 2)
  take([[1, 3]], [[2, 1]], [[1, 4]])
  await loader.flush()
  take([[1, 5]], [[1, 1]], [[1, 6]])
  await loader.end()
  expect(queueOf(sessions, 1)).toEqual([
    [1, 4, 0, false],
    [3, 0, 0, false],
    [4, 2, 0, false],
    [5, 3, 0, false],
    [6, 5, 0, false],
  ])
  expect(queueOf(sessions, 2)).toEqual([[1, 1, 0, false]])
})

it('copies a queue once, however many of its messages are not in order', async () => {
  const { sessions, loader, take } = started(1)
  const { queue } = sessions.get(1)!
  const append = vi.spyOn(queue, 'append')
  for (let sequence = 1; sequence < 100; sequence += 2) take([[1, sequence + 1]], [[1, sequence]])
  await loader.end()
  const sequences = queueOf(sessions, 1).map((place) => (place as number[])[0])
  expect(sequences).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
  expect([append.mock.calls.length, queue.count, queue.lastSequence]).toEqual([1, 100, 100])
})

it('refuses two messages of a session with one number, and names the entry', async () => {
  const { loader, take } = started(1)
  take([[1, 1]], [[1, 2]], [[1, 1]])
  await expect(loader.end()).rejects.toThrow(
    'the entry 010000000000030000 cannot be read: s1 has two messages with the number 1',
  )
})
