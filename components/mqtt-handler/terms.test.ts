import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DEFAULT_LISTENER_OPTIONS } from '../../src/kinds/listener-options.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { HandlerHarness, publishPacket, subscribePacket } from '../../test/helpers/handler-harness.ts'

/** The values of CONNACK apply to a client, even if the config changes later. */
let broker: HandlerHarness
beforeEach(() => {
  broker = new HandlerHarness()
})
afterEach(() => broker.stop())

/** The config of the handler, from now on. */
const lower = (values: object): void => void Object.assign(broker.handler.config, values)

describe('a client that was told otherwise', () => {
  it('may publish at a QoS that is not available any more, and is granted it', () => {
    const client = broker.connect()
    lower({ maximumQoS: 0 })
    expect(client.take(publishPacket({ qos: 2 }))).toMatchObject([{ cmd: 'pubrec' }])
    expect(client.take(subscribePacket({ b: { qos: 2 } }))).toMatchObject([{ cmd: 'suback', granted: [2] }])
    const later = broker.connect({ clientId: 'later' })
    expect(later.connack).toMatchObject({ properties: { maximumQoS: 0 } })
    expect(later.take(subscribePacket({ b: { qos: 2 } }))).toMatchObject([{ cmd: 'suback', granted: [0] }])
    expect(later.take(publishPacket({ qos: 1 }))).toMatchObject([
      { cmd: 'disconnect', reasonCode: ReasonCode.QoSNotSupported },
    ])
  })

  it('may publish with RETAIN 1', () => {
    const client = broker.connect()
    lower({ retainAvailable: false })
    expect(client.take(publishPacket({ qos: 1, retain: true }))).toMatchObject([{ cmd: 'puback' }])
    const later = broker.connect({ clientId: 'later' })
    expect(later.take(publishPacket({ qos: 1, retain: true }))).toMatchObject([
      { cmd: 'disconnect', reasonCode: ReasonCode.RetainNotSupported },
    ])
  })

  it('has the Receive Maximum that it was told', () => {
    const client = broker.connect()
    lower({ receiveMaximum: 1 })
    const send = (messageId: number) => publishPacket({ qos: 2, messageId })
    expect(client.take(send(1), send(2), send(3)).map(({ cmd }) => cmd)).toEqual(['pubrec', 'pubrec', 'pubrec'])
    const later = broker.connect({ clientId: 'later' })
    expect(later.connack).toMatchObject({ properties: { receiveMaximum: 1 } })
    expect(later.take(send(1), send(2)).at(-1)).toMatchObject({ reasonCode: ReasonCode.ReceiveMaximumExceeded })
  })

  it.each([
    ['wildcards', { wildcardSubscriptionAvailable: false }, 'a/#', {}, ReasonCode.WildcardSubscriptionsNotSupported],
    ['shared', { sharedSubscriptionAvailable: false }, '$share/g/a', {}, ReasonCode.SharedSubscriptionsNotSupported],
    [
      'identifiers',
      { subscriptionIdentifiersAvailable: false },
      'a',
      { properties: { subscriptionIdentifier: 7 } },
      ReasonCode.SubscriptionIdentifiersNotSupported,
    ],
  ])('may subscribe with %s', (_, values, filter, fields, reasonCode) => {
    const client = broker.connect()
    lower(values)
    expect(client.take(subscribePacket({ [filter]: { qos: 0 } }, fields))).toMatchObject([
      { cmd: 'suback', granted: [0] },
    ])
    const later = broker.connect({ clientId: 'later' })
    expect(later.take(subscribePacket({ [filter]: { qos: 0 } }, fields))).toMatchObject([
      { cmd: 'disconnect', reasonCode },
    ])
  })

  it('has the Topic Aliases that it was told', () => {
    const client = broker.connect()
    lower({ topicAliasMaximum: 0 })
    expect(client.take(publishPacket({ qos: 1, properties: { topicAlias: 32 } }))).toMatchObject([{ cmd: 'puback' }])
    const later = broker.connect({ clientId: 'later' })
    expect(later.take(publishPacket({ properties: { topicAlias: 1 } }))).toMatchObject([
      { cmd: 'disconnect', reasonCode: ReasonCode.TopicAliasInvalid },
    ])
  })
})

it('all clients that were told the same share one object, and none can change it', () => {
  const before = broker.handler.currentTerms(DEFAULT_LISTENER_OPTIONS)
  broker.connect()
  expect(broker.handler.currentTerms(DEFAULT_LISTENER_OPTIONS)).toBe(before)
  expect(Object.isFrozen(before)).toBe(true)
  lower({ receiveMaximum: 5 })
  expect(broker.handler.currentTerms(DEFAULT_LISTENER_OPTIONS)).not.toBe(before)
  expect(broker.handler.currentTerms(DEFAULT_LISTENER_OPTIONS)).toBe(
    broker.handler.currentTerms(DEFAULT_LISTENER_OPTIONS),
  )
})
