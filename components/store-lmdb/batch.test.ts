import { expect, test } from 'vitest'
import { Message } from '../../src/mqtt/message.ts'
import { queuedMessage } from '../../test/helpers/store-records.ts'
import { Batch, PendingMessage, type SessionEntry } from './batch.ts'
import { MAXIMUM_RECEIVERS } from './layout.ts'
import { QueueIndex } from './queue-index.ts'

const message = Message.of({ topic: 'topic', payload: 'payload', qos: 1 })

const sessionOf = (number: number): SessionEntry => {
  const queue = new QueueIndex()
  return { id: `client-${number}`, number, queue, since: 0 }
}

/** A message that is owed to so many sessions, as number 1 of each queue. */
const owedTo = (count: number) => {
  const pending = new PendingMessage(message, 0, new Batch(1))
  const sessions = Array.from({ length: count }, (_, number) => sessionOf(number))
  for (const session of sessions) {
    session.queue.add(1, 0, pending.add(session, queuedMessage({ message })), false)
  }
  return { pending, sessions }
}

test('receivers that are done leave when the message is handed over, and the others and their queues know where they are', () => {
  const { pending, sessions } = owedTo(5)
  pending.settle(0)
  pending.settle(3)
  pending.handOver()
  expect(pending.sessions).toEqual([sessions[1], sessions[2], sessions[4]])
  expect(pending.queued).toHaveLength(3)
  const { queue } = sessions[4]!
  expect(queue.indexAt(queue.find(1))).toBe(2)
  expect([1, 2, 4].map((index) => pending.indexInFile(index))).toEqual([0, 1, 2])
})

test('all stay where they are when none is done, and none is left when all are', () => {
  const { pending } = owedTo(3)
  pending.handOver()
  expect([0, 1, 2].map((index) => pending.indexInFile(index))).toEqual([0, 1, 2])
  const other = owedTo(2).pending
  other.settle(0)
  other.settle(1)
  other.handOver()
  expect(other.sessions).toEqual([])
})

test('a message takes receivers until it has as many as a removal may have, also when another one came between', () => {
  const batch = new Batch(1)
  const { pending } = owedTo(MAXIMUM_RECEIVERS - 1)
  batch.addMessage(pending)
  batch.addMessage(new PendingMessage(Message.of({ topic: 'other' }), 1, batch))
  expect(batch.openMessage(message)).toBe(pending)
  pending.add(sessionOf(MAXIMUM_RECEIVERS), queuedMessage({ message }))
  expect(batch.openMessage(message)).toBeUndefined()
})
