import { expect, it } from 'vitest'
import { Message } from '../../src/mqtt/message.ts'
import { queuedMessage, retainedSource, sessionRecord, subscriptionTo } from '../../test/helpers/store-records.ts'
import { Batch, PendingMessage, type SessionEntry, stateNumber } from './batch.ts'
import { encodeBatch } from './encode-batch.ts'
import { MessageTable } from './message-table.ts'
import { Operations } from './operations.ts'
import { QueueIndex } from './queue-index.ts'
import { SourceTable } from './source-table.ts'
import { TurnWork } from './turn-work.ts'

const session = (number: number): SessionEntry => ({
  id: `client-${number}`,
  number,
  queue: new QueueIndex(),
  since: 0,
})

/** Encodes a batch with changes of all kinds. @returns what is written, how many turns it took, and what is left to clean. */
const encode = (unitsOfTurn: number) => {
  const table = new MessageTable()
  const [removed, moved, kept, fresh] = [1, 2, 3, 4].map((id) => table.take(id, 10)) as [number, number, number, number]
  for (const slot of [removed, moved, kept]) table.setReceivers(slot, 40)
  const batch = new Batch(1)
  const [first, second] = [session(1), session(2)]
  batch.sessions.set(first, sessionRecord({ id: first.id })).set(second, sessionRecord({ id: second.id }))
  batch.ended.push(session(3), session(4))
  batch.cleaned.push(3, 4)
  batch.setSubscription(first, 'a', subscriptionTo('a'))
  batch.setSubscription(first, 'b', undefined)
  batch.setReceived(first, 1, true)
  batch.setReceived(first, 2, false)
  const retained = Message.of({ topic: 'r', payload: 'kept', retain: true })
  batch.retained.set('r', { message: retained, source: retainedSource() }).set('s', undefined)
  for (const slot of [removed, moved]) batch.removed.add(slot)
  batch.moved.add(moved)
  const message = Message.of({ topic: 'topic', payload: 'payload', qos: 1 })
  const pending = new PendingMessage(message, fresh, batch)
  first.queue.add(1, fresh, pending.add(first, queuedMessage({ message })), false)
  batch.addMessage(pending)
  batch.done.add(stateNumber(kept, 0)).add(stateNumber(kept, 1))
  batch.setSent(first, 33, { packetIdentifier: 7, pubrecOrder: 1, isInRow: true })
  batch.setSent(second, 5, undefined)
  const file = { get: () => undefined, keys: (start: Buffer) => [start] }
  const to = new Operations()
  const work = new TurnWork(unitsOfTurn)
  const steps = encodeBatch(batch, { table, sources: new SourceTable() }, file, to, work)
  let turns = 1
  let step = steps.next()
  for (; step.done !== true; step = steps.next()) {
    turns += 1
    work.begin()
  }
  const bytes = Buffer.from(to.writer.bytes.subarray(0, to.writer.position)).toString('hex')
  return { written: { bytes, count: to.count, early: to.earlyCount, unclean: step.value }, turns }
}

it('writes the same, in the same order, in one turn and with a turn for each entry', () => {
  const [atOnce, divided] = [encode(1_000_000), encode(1)]
  expect(divided.written).toEqual(atOnce.written)
  expect(atOnce.turns).toBe(1)
  expect(divided.turns).toBe(20)
})
