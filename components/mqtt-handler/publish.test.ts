import { afterEach, expect, it } from 'vitest'
import { HandlerHarness, payloads, publishPacket, subscribePacket } from '../../test/helpers/handler-harness.ts'

let broker: HandlerHarness
afterEach(() => broker.stop())

it('a client whose Topic Aliases stand for more bytes than they may is disconnected, and its message is not published', () => {
  broker = new HandlerHarness()
  const subscriber = broker.connect({ clientId: 'subscriber' })
  subscriber.take(subscribePacket({ '#': { qos: 0 } }))
  const publisher = broker.connect({ clientId: 'publisher' })
  const aliased = (topicAlias: number, topic: string) => publishPacket({ topic, properties: { topicAlias } })
  // The longest topic there is fits, more than once.
  expect(publisher.take(aliased(1, 'x'.repeat(65_535)), aliased(1, 'y'.repeat(65_535)), aliased(1, ''))).toEqual([])
  expect(payloads(subscriber.take())).toHaveLength(3)
  expect(publisher.take(aliased(2, 'zz'))).toMatchObject([{ cmd: 'disconnect', reasonCode: 0x97 }])
  expect(payloads(subscriber.take())).toEqual([])
})
