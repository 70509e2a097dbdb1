import { afterEach, expect, it } from 'vitest'
import { HandlerHarness, persistent } from '../../test/helpers/handler-harness.ts'

let broker: HandlerHarness
afterEach(() => broker.stop())

it.each([0, 10])(
  'DISCONNECT takes a Session Expiry Interval, with a maximum of %i, from a client that asked for one in CONNECT',
  (maximumSessionExpirySeconds) => {
    broker = new HandlerHarness({ maximumSessionExpirySeconds })
    const client = broker.connect(persistent())
    expect(client.connack).toMatchObject({ properties: { sessionExpiryInterval: maximumSessionExpirySeconds } })
    expect(client.take({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 60 } })).toEqual([])
    const session = broker.core.sessions.get('client')
    expect(session?.expiryIntervalSeconds).toBe(maximumSessionExpirySeconds === 0 ? undefined : 10)
  },
)

it('DISCONNECT is a Protocol Error with a Session Expiry Interval from a client that wanted none', () => {
  broker = new HandlerHarness()
  const packets = broker.connect().take({ cmd: 'disconnect', properties: { sessionExpiryInterval: 60 } })
  expect(packets).toMatchObject([{ cmd: 'disconnect', reasonCode: 0x82 }])
})
