import { afterEach, describe, expect, it } from 'vitest'
import { HandlerHarness, publishPacket, subscribePacket } from '../../test/helpers/handler-harness.ts'

const nothing = { mayPublish: () => 'deny' as const, maySubscribe: () => 'deny' as const }

let broker: HandlerHarness | undefined
afterEach(() => broker?.stop())

/** What a client of MQTT 5 gets that may do nothing. */
const refusals = (config: object) => {
  broker = new HandlerHarness(config, { authorizers: [nothing] })
  const client = broker.connect()
  return client.take(
    publishPacket({ qos: 1 }),
    publishPacket({ qos: 2, topic: '$a', messageId: 2 }),
    subscribePacket({ a: {} }),
  )
}

describe('a refusal', () => {
  it('is explained', () => {
    const explained = { properties: { reasonString: expect.stringMatching(/./) } }
    expect(refusals({})).toEqual([
      { cmd: 'puback', messageId: 1, reasonCode: 0x87 },
      { cmd: 'pubrec', messageId: 2, reasonCode: 0x90, ...explained },
      { cmd: 'suback', messageId: 5, granted: [0x87], ...explained },
    ])
  })

  it('is not explained where explainRefusals is off', () => {
    expect(refusals({ explainRefusals: false })).toEqual([
      { cmd: 'puback', messageId: 1, reasonCode: 0x80 },
      { cmd: 'pubrec', messageId: 2, reasonCode: 0x90 },
      { cmd: 'suback', messageId: 5, granted: [0x80] },
    ])
  })
})
