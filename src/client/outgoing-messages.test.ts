import { expect, it } from 'vitest'
import { ClientError } from './client-error.ts'
import { OutgoingMessages } from './outgoing-messages.ts'

it('ends the messages that wait for a place together with those in flight', async () => {
  const outgoing = new OutgoingMessages()
  outgoing.beginConnection(1)
  const message = { topic: 'a', payload: Buffer.alloc(0), qos: 1, retain: false } as const
  const { done } = await outgoing.add(message)
  const waiting = [outgoing.add(message), outgoing.add(message), outgoing.add(message)]
  const error = new ClientError('LOST', 'The connection was lost.')
  outgoing.fail(error)
  for (const each of [done, ...waiting, outgoing.add(message)]) await expect(each).rejects.toBe(error)
  expect(outgoing.size).toBe(0)
})
