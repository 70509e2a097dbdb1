/** Packets at times at which a client may not send them, and the ends that they lead to. */

import type { IPublishPacket, Packet } from 'mqtt-packet'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PacketType } from '../../src/mqtt/packet-type.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { malformedPacket } from '../../src/mqtt/refusal.ts'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import { ControlledMethod } from '../../test/helpers/controlled-method.ts'
import {
  HandlerHarness,
  type HarnessClient,
  publishPacket,
  subscribePacket,
} from '../../test/helpers/handler-harness.ts'
import { runOf } from '../../test/helpers/mailbox.ts'

let harness: HandlerHarness
beforeEach(() => {
  harness = new HandlerHarness()
})
afterEach(() => harness.stop())

/** Packets that say that the client broke the protocol. */
const PROTOCOL_ERROR = [{ cmd: 'disconnect', reasonCode: ReasonCode.ProtocolError }]

/** A client that was sent a message at this QoS, with its Packet Identifier. */
const receiver = (qos: 1 | 2): [HarnessClient, number] => {
  const client = harness.connect({ clientId: 'receiver' })
  client.take(subscribePacket({ a: { qos } }))
  harness.connect({ clientId: 'publisher' }).take(publishPacket({ qos }))
  const [publish] = client.take() as IPublishPacket[]
  return [client, publish!.messageId!]
}

describe('an acknowledgement of the wrong kind ends the connection', () => {
  const cases = [
    ['PUBREC for a message at QoS 1', 1, PacketType.Pubrec, 'pubrec'],
    ['PUBACK for a message at QoS 2', 2, PacketType.Puback, 'puback'],
    ['PUBCOMP for a message whose PUBREL was not sent', 2, PacketType.Pubcomp, 'pubcomp'],
  ] as const

  it.each(cases)('%s, without properties', (_, qos, type) => {
    const [client, identifier] = receiver(qos)
    client.acknowledge(type, identifier, true)
    expect(client.take()).toMatchObject(PROTOCOL_ERROR)
  })

  it.each(cases)('%s, with a Reason Code', (_, qos, _type, cmd) => {
    const [client, messageId] = receiver(qos)
    expect(client.take({ cmd, messageId, reasonCode: 0 })).toMatchObject(PROTOCOL_ERROR)
  })
})

describe('an acknowledgement of nothing', () => {
  it.each([PacketType.Puback, PacketType.Pubcomp])(
    'of type %i is ignored: it may belong to an earlier connection',
    (type) => {
      const client = harness.connect()
      client.acknowledge(type, 9, true)
      expect(client.take()).toEqual([])
    },
  )

  it.each([
    [PacketType.Pubrec, 'pubrel'],
    [PacketType.Pubrel, 'pubcomp'],
  ])('of type %i is answered with Packet Identifier not found (0x92)', (type, cmd) => {
    const client = harness.connect()
    client.acknowledge(type, 9, true)
    expect(client.take()).toMatchObject([{ cmd, messageId: 9, reasonCode: ReasonCode.PacketIdentifierNotFound }])
  })
})

describe('before CONNACK', () => {
  const refused = [{ cmd: 'connack', reasonCode: ReasonCode.ProtocolError }]
  const authenticating = (): HarnessClient => {
    harness.stop()
    const method = new ControlledMethod()
    harness = new HandlerHarness({}, { authenticationMethods: [method] })
    const client = harness.open()
    client.take(connectPacket({ properties: { authenticationMethod: method.name } }))
    return client
  }

  it('an acknowledgement, a PUBLISH packet or a subscription is refused [MQTT-3.1.0-1]', () => {
    const acknowledging = harness.open()
    acknowledging.acknowledge(PacketType.Puback, 1, true)
    expect(acknowledging.take()).toMatchObject(refused)
    expect(harness.open().take(publishPacket())).toMatchObject(refused)
    expect(harness.open().take(subscribePacket({ a: {} }))).toMatchObject(refused)
    expect(harness.open().takesRun(runOf('a', ['1', '2'], 5))).toBe(false)
  })

  it('a client that authenticates may send AUTH and DISCONNECT, and nothing else', () => {
    expect(authenticating().take(publishPacket())).toMatchObject(refused)
    expect(authenticating().take(connectPacket())).toMatchObject(refused)
    const leaving = authenticating()
    expect(leaving.take({ cmd: 'disconnect' })).toEqual([])
    expect(leaving.connection.closeReason).toBe('client sent DISCONNECT')
  })
})

it.each<[string, Packet]>([
  ['a second CONNECT [MQTT-3.1.0-2]', connectPacket()],
  ['CONNACK', { cmd: 'connack', reasonCode: 0, sessionPresent: false }],
  ['SUBACK', { cmd: 'suback', messageId: 1, granted: [0] }],
  ['PINGRESP', { cmd: 'pingresp' }],
])('%s from a connected client ends its connection', (_, packet) => {
  expect(harness.connect().take(packet)).toMatchObject(PROTOCOL_ERROR)
})

it('nothing of a client is answered behind the packet that ended its connection', () => {
  const client = harness.connect()
  expect(client.take(connectPacket())).toMatchObject(PROTOCOL_ERROR)
  const before = harness.handler.counters.disconnectsByBroker.slice()
  client.acknowledge(PacketType.Puback, 1, true)
  const sent = client.take(publishPacket({ qos: 1 }), { cmd: 'pingreq' }, connectPacket())
  expect([sent, client.fail(malformedPacket('It was cut short.'))]).toEqual([[], []])
  expect(harness.handler.counters.disconnectsByBroker).toEqual(before)
})
