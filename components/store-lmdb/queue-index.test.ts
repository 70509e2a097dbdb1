import { expect, it } from 'vitest'
import { QueueIndex } from './queue-index.ts'

const sequences = (index: QueueIndex, after = 0): number[] => {
  const found: number[] = []
  for (let at = index.findAfter(after); at !== -1; at = index.next(at)) found.push(index.sequenceAt(at))
  return found
}

it('keeps messages in the order of their numbers, also when they come in another one', () => {
  const index = new QueueIndex()
  for (const sequence of [1, 2, 5, 9]) index.add(sequence, sequence * 10, 0, false)
  index.add(3, 30, 1, true)
  expect([sequences(index), index.count, index.lastSequence]).toEqual([[1, 2, 3, 5, 9], 5, 9])
  const at = index.find(3)
  expect([index.slotAt(at), index.indexAt(at), index.isSharedAt(at)]).toEqual([30, 1, true])
  expect([sequences(index, 4), index.find(4), index.find(10)]).toEqual([[5, 9], -1, -1])
})

it('takes the place of a message that was removed', () => {
  const index = new QueueIndex()
  for (const sequence of [1, 2, 3]) index.add(sequence, sequence, 0, false)
  index.remove(2)
  expect([index.find(2), sequences(index)]).toEqual([-1, [1, 3]])
  index.add(2, 20, 4, true)
  expect([index.slotAt(index.find(2)), sequences(index), index.count]).toEqual([20, [1, 2, 3], 3])
})

it('adds a lower number behind all others when nothing else is left', () => {
  const index = new QueueIndex()
  index.add(5, 1, 0, false)
  index.remove(5)
  index.add(4, 2, 0, false)
  expect([sequences(index), index.lastSequence]).toEqual([[4], 5])
})

it('changes the index of a receiver, and keeps whether it is shared', () => {
  const index = new QueueIndex()
  index.add(1, 1, 7, true)
  index.moveTo(1, 8)
  index.moveTo(2, 9)
  expect([index.indexAt(0), index.isSharedAt(0), index.count]).toEqual([8, true, 1])
})

it('forgets what was sent with the message', () => {
  const index = new QueueIndex()
  for (const sequence of [1, 2]) {
    index.add(sequence, sequence, 0, false)
    index.setSent(sequence, { packetIdentifier: sequence + 100, pubrecOrder: 0, isInRow: false })
  }
  index.remove(1)
  expect([index.sent(1), index.sent(2)]).toEqual([undefined, { packetIdentifier: 102, pubrecOrder: 0, isInRow: false }])
  index.remove(2)
  expect(index.sent(2)).toBeUndefined()
})

it('closes the gaps of a queue that became short', () => {
  const index = new QueueIndex()
  for (let sequence = 1; sequence <= 200; sequence += 1) index.add(sequence, sequence, 0, false)
  for (let sequence = 2; sequence < 200; sequence += 1) index.remove(sequence)
  expect([sequences(index), index.find(200), index.find(1)]).toEqual([[1, 200], expect.any(Number), 0])
  index.add(201, 201, 0, false)
  expect(sequences(index)).toEqual([1, 200, 201])
})
