import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CROWD, crowdAway, crowdWaiting, untilRead } from '../../test/helpers/crowd.ts'
import { inFullRun } from '../../test/helpers/full-run.ts'
import { HandlerHarness, payloads, publishPacket, subscribePacket } from '../../test/helpers/handler-harness.ts'

let broker: HandlerHarness
beforeEach(() => {
  broker = new HandlerHarness()
  crowdAway(broker)
})
afterEach(() => broker.stop())

const waiting = (messages: number) => crowdWaiting(broker, messages)
const message = (payload: string, fields: Parameters<typeof publishPacket>[0] = {}) =>
  publishPacket({ qos: 1, payload: Buffer.from(payload), ...fields })

// What else may happen meanwhile is in publications.slow.test.ts.
describe.each([...inFullRun(1 as const), 2 as const])(
  'a message at QoS %i for thousands of sessions that are away',
  (qos) => {
    const answer = qos === 1 ? 'puback' : 'pubrec'

    it('is passed on over several turns; its publisher waits, and is answered when all have it', async () => {
      const publisher = broker.connect({ clientId: 'publisher' })
      const worked: number[] = []
      publisher.connection.chargeWork = (units) => void worked.push(units)
      expect(publisher.take(message('1', { qos }))).toEqual([])
      expect(publisher.connection.paused).toBe(true)
      // A delivery is 17 units or more, a turn 50,000.
      expect(waiting(1)).toBeLessThan(3_000)
      expect(Math.max(...worked)).toBeLessThan(25_000)
      expect(await untilRead(publisher)).toBeGreaterThanOrEqual(1)
      expect(waiting(1)).toBe(CROWD)
      expect(publisher.take()).toEqual([{ cmd: answer, messageId: 1 }])
      expect(broker.core.counters.dividedPublishes).toBe(1)
    })

    it('keeps its place before the next ones of its publisher [MQTT-4.6.0-5]', async () => {
      const subscriber = broker.connect({ clientId: 'subscriber' })
      // The last one in the order of the first message, the only one of the others.
      subscriber.take(subscribePacket({ a: {}, b: {} }))
      const publisher = broker.connect({ clientId: 'publisher' })
      // A stage in between may pass on what it held although the connection is paused.
      publisher.take(message('1', { qos }), message('2', { qos, messageId: 2, topic: 'b' }))
      publisher.take(message('3', { qos: 0, topic: 'b' }))
      expect(payloads(subscriber.sent)).toEqual([])
      await untilRead(publisher)
      expect(payloads(subscriber.take())).toEqual(['1', '2', '3'])
      expect(publisher.take()).toEqual([
        { cmd: answer, messageId: 1 },
        { cmd: answer, messageId: 2 },
      ])
    })
  },
)
