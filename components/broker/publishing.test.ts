import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Authorizer } from '../../src/kinds/authorizer.ts'
import { Message } from '../../src/mqtt/message.ts'
import { RetainedMessages } from '../../src/mqtt/retained-messages.ts'
import { HandlerHarness, publishPacket } from '../../test/helpers/handler-harness.ts'

let broker: HandlerHarness
afterEach(() => {
  vi.restoreAllMocks()
  broker.stop()
})

/** How often the Topic Name is read as text, and how many messages are delivered, when a topic with a known route gets three messages. */
const busyTopic = (authorizers: readonly Authorizer[] = []) => {
  broker = new HandlerHarness({}, { authorizers })
  const received: Message[] = []
  broker.broker.subscribe('a', (message) => received.push(message))
  const publisher = broker.connect({ clientId: 'publisher' })
  publisher.take(publishPacket())
  const topic = vi.spyOn(Message.prototype, 'topic', 'get')
  publisher.take(publishPacket(), publishPacket({ qos: 1 }), publishPacket())
  return { read: topic.mock.calls.length, delivered: received.length }
}

describe('a message on a topic whose route is known', () => {
  it('is published without a text of its Topic Name, if no authorizer is asked', () => {
    expect(busyTopic()).toEqual({ read: 0, delivered: 4 })
  })

  it('is published with one, if an authorizer is asked', () => {
    const { read, delivered } = busyTopic([{ mayPublish: () => 'allow', maySubscribe: () => 'allow' }])
    expect(read).toBeGreaterThanOrEqual(3)
    expect(delivered).toBe(4)
  })
})

describe('a message with RETAIN 1', () => {
  it('is retained without a look-up of the one that it replaces, if no publisher is kept', () => {
    broker = new HandlerHarness()
    const publisher = broker.connect({ clientId: 'publisher' })
    const get = vi.spyOn(RetainedMessages.prototype, 'get')
    publisher.take(publishPacket({ retain: true }), publishPacket({ retain: true, payload: Buffer.from('second') }))
    expect(get).not.toHaveBeenCalled()
    expect(broker.broker.retained('a').map(({ payload }) => payload.toString())).toEqual(['second'])
  })
})
