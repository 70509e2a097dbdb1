import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { listenerOptions } from '../../src/kinds/listener-options.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import { HandlerHarness, publishPacket, subscribePacket } from '../../test/helpers/handler-harness.ts'

/** The values of a listener apply to its clients alone. */
let broker: HandlerHarness
beforeEach(() => {
  broker = new HandlerHarness({ topicAliasMaximum: 16 })
})
afterEach(() => broker.stop())

describe('protocolVersions', () => {
  it.each([
    [3, ['3.1.1', '5.0'], { returnCode: 1 }],
    [4, ['3.1', '5.0'], { returnCode: 1 }],
    [5, ['3.1', '3.1.1'], { reasonCode: ReasonCode.UnsupportedProtocolVersion }],
  ] as const)(
    'a client of version %i is refused where %j are accepted, and the connection is closed',
    (version, protocolVersions, answer) => {
      const client = broker.open(version, { protocolVersions: [...protocolVersions] })
      expect(client.take(connectPacket({ clientId: 'a' }))).toMatchObject([{ cmd: 'connack', ...answer }])
      expect(client.connection.open).toBe(false)
      expect(broker.handler.counters.refusals[ReasonCode.UnsupportedProtocolVersion]).toBe(1)
    },
  )

  it.each([
    [3, '3.1'],
    [4, '3.1.1'],
    [5, '5.0'],
  ] as const)('a client of version %i is accepted where %s is', (version, name) => {
    const client = broker.open(version, { protocolVersions: [name] })
    expect(client.take(connectPacket({ clientId: 'a' }))).toMatchObject([{ cmd: 'connack' }])
    expect(client.connection.open).toBe(true)
  })
})

describe('maximumQoS', () => {
  it('is told in CONNACK [MQTT-3.2.2-9], granted at most [MQTT-3.8.4-7], and a publisher is held to it [MQTT-3.2.2-11]', () => {
    const client = broker.connect({ clientId: 'a' }, 5, { maximumQoS: 1 })
    expect(client.connack).toMatchObject({ properties: { maximumQoS: 1 } })
    expect(client.take(subscribePacket({ a: { qos: 2 } }))).toMatchObject([{ granted: [1] }])
    expect(client.take(publishPacket({ qos: 2 }))).toMatchObject([
      { cmd: 'disconnect', reasonCode: ReasonCode.QoSNotSupported },
    ])
  })

  it('holds for Wills [MQTT-3.2.2-12], and not for clients of other listeners', () => {
    const will = { topic: 'w', payload: Buffer.from('gone'), qos: 2, retain: false } as const
    const refused = broker.open(5, { maximumQoS: 1 }).take(connectPacket({ clientId: 'a', will }))
    expect(refused).toMatchObject([{ cmd: 'connack', reasonCode: ReasonCode.QoSNotSupported }])
    const other = broker.connect({ clientId: 'b', will })
    expect(other.connack).toMatchObject({ reasonCode: 0 })
    expect(other.connack).not.toHaveProperty('properties.maximumQoS')
  })
})

describe('topicAliasMaximum', () => {
  it('is told in CONNACK, and a publisher is held to it [MQTT-3.3.2-9]', () => {
    const client = broker.connect({ clientId: 'a' }, 5, { topicAliasMaximum: 2 })
    expect(client.connack).toMatchObject({ properties: { topicAliasMaximum: 2 } })
    expect(client.take(publishPacket({ properties: { topicAlias: 3 } }))).toMatchObject([
      { cmd: 'disconnect', reasonCode: ReasonCode.TopicAliasInvalid },
    ])
    expect(broker.connect({ clientId: 'b' }).connack).toMatchObject({ properties: { topicAliasMaximum: 16 } })
  })
})

it('clients of listeners with the same values share their terms', () => {
  const termsOf = (maximumQoS: 0 | 1) => broker.handler.currentTerms({ mountPoint: '', maximumQoS })
  expect(termsOf(1)).toBe(termsOf(1))
  expect(termsOf(0)).not.toBe(termsOf(1))
})

it.each(['a', '$a/', 'a/+/', 'a/#/', 'a\0/'])('%j is not a mount point', (text) => {
  expect(listenerOptions.mountPoint.safeParse(text).success).toBe(false)
})

it.each(['', '/', 'a/', 'a b/c/'])('%j is a mount point', (text) => {
  expect(listenerOptions.mountPoint.safeParse(text).success).toBe(true)
})
