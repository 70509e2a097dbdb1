import { afterEach, expect, it } from 'vitest'
import {
  HandlerHarness,
  payloads,
  persistent,
  publishPacket,
  subscribePacket,
} from '../../test/helpers/handler-harness.ts'

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

it('DISCONNECT cannot prolong a session that was granted no Session Expiry Interval, even if the config changed', () => {
  broker = new HandlerHarness({ maximumSessionExpirySeconds: 0, maximumInflight: 2, initialInflight: 2 })
  const subscriber = (clientId: string) => {
    const client = broker.connect(persistent(clientId))
    client.take(subscribePacket({ a: { qos: 1 } }))
    return client
  }
  const publisher = broker.connect({ clientId: 'publisher' })
  const gone = subscriber('gone')
  const other = subscriber('other')
  publisher.take(publishPacket({ qos: 1 }))
  Object.assign(broker.handler.config, { maximumSessionExpirySeconds: 60 })
  gone.take({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 60 } })
  expect(broker.core.sessions.get('gone')).toBeUndefined()
  expect(broker.connect(persistent('gone')).connack).toMatchObject({ sessionPresent: false })
  // The others are not affected.
  const received = payloads(other.take())
  for (let messageId = 1; messageId <= 5; messageId += 1) {
    received.push(...payloads(other.take({ cmd: 'puback', messageId })))
    publisher.take(publishPacket({ qos: 1, messageId: messageId + 1 }))
    received.push(...payloads(other.take()))
  }
  expect(received).toHaveLength(6)
})
