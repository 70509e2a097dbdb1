import fc from 'fast-check'
import type { QoS } from 'mqtt-packet'
import { expect, it } from 'vitest'
import { runs } from '../../test/helpers/full-run.ts'
import { fuzzSeed } from '../../test/helpers/packets.ts'
import { type BrokerEvent, SwappedBroker } from '../../test/helpers/swapped-broker.ts'

const qos = fc.constantFrom<QoS>(0, 1, 2)
const filter = fc.constantFrom('a/1', 'a/+', '#', '$share/g/a/1', '$share/g/+/1')
const topic = fc.constantFrom('a/1', 'a/2', 'b/1')
const event: fc.Arbitrary<BrokerEvent> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('connect' as const),
      clean: fc.boolean(),
      expiry: fc.constantFrom(0, 1_000),
      window: fc.constantFrom(1, 3, 100),
      will: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('subscribe' as const), filter, qos }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('unsubscribe' as const), filter, qos }) },
  { weight: 10, arbitrary: fc.record({ type: fc.constant('publish' as const), topic, qos, retain: fc.boolean() }) },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constantFrom(
        'acknowledge' as const,
        'receive' as const,
        'release' as const,
        'congest' as const,
        'drain' as const,
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('lose' as const, 'disconnect' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constantFrom('settle' as const, 'end batch' as const, 'end session' as const) }),
  },
)
const step = fc.record({
  id: fc.constantFrom('p', 'q', 'r'),
  event,
  swap: fc.constantFrom<'no' | 'swap' | 'undo'>('no', 'no', 'swap', 'undo'),
})
const config = { maximumQueuedMessages: 4, maximumRetainedMessages: 2, maximumUnreleased: 3 }

it('is the same for clients whether the broker is swapped between any two events, or a swap is undone, or neither', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 100, size: 'max' }), async (history) => {
      const [subject, twin] = [await SwappedBroker.start(config), await SwappedBroker.start(config)]
      try {
        for (const { id, event: each, swap } of history) {
          if (swap !== 'no') await subject.swap(swap === 'undo')
          await subject.play(id, each)
          await twin.play(id, each)
        }
        expect(await subject.observe()).toEqual(await twin.observe())
      } finally {
        subject.stop()
        twin.stop()
      }
    }),
    { seed: fuzzSeed, numRuns: runs(300), endOnFailure: true },
  )
})
