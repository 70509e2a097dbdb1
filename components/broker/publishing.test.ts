import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Authorizer } from '../../src/kinds/authorizer.ts'
import { Message } from '../../src/mqtt/message.ts'
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
