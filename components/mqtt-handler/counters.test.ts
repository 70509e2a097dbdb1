import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { PacketType } from '../../src/mqtt/packet-type.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import { HandlerHarness, persistent, publishPacket, subscribePacket } from '../../test/helpers/handler-harness.ts'

let broker: HandlerHarness
beforeEach(() => {
  broker = new HandlerHarness()
})
afterEach(() => broker.stop())

const counters = () => broker.handler.counters

it('count packets in and out by type, and PUBLISH packets by QoS', () => {
  const subscriber = broker.connect({ clientId: 'subscriber' })
  subscriber.take(subscribePacket({ a: { qos: 1 } }))
  const publisher = broker.connect({ clientId: 'publisher' })
  publisher.take(publishPacket({ qos: 0 }), publishPacket({ qos: 1 }), publishPacket({ qos: 2 }))
  publisher.take({ cmd: 'pubrel', messageId: 1 })
  publisher.take({ cmd: 'pingreq' })
  const { packetsIn, packetsOut, publishesIn, publishesOut } = counters()
  expect([...publishesIn]).toEqual([1, 1, 1])
  expect([...publishesOut]).toEqual([1, 2, 0])
  expect([...counters().payloadsIn]).toEqual([7, 7, 7])
  expect([...counters().payloadsOut]).toEqual([7, 14, 0])
  expect([packetsIn[PacketType.Connect], packetsOut[PacketType.Connack]]).toEqual([2, 2])
  expect([packetsIn[PacketType.Subscribe], packetsOut[PacketType.Suback]]).toEqual([1, 1])
  expect([packetsIn[PacketType.Pubrel], packetsOut[PacketType.Pubcomp]]).toEqual([1, 1])
  expect([packetsOut[PacketType.Puback], packetsOut[PacketType.Pubrec]]).toEqual([1, 1])
  expect([packetsIn[PacketType.Pingreq], packetsOut[PacketType.Pingresp]]).toEqual([1, 1])
})

it('count and charge each of the acknowledgements that come together', () => {
  const client = broker.connect({ clientId: 'a' })
  const charge = vi.spyOn(client.connection, 'chargePacket')
  for (const identifier of [1, 2, 3]) client.acknowledge(PacketType.Puback, identifier, identifier === 3)
  expect(counters().packetsIn[PacketType.Puback]).toBe(3)
  client.take({ cmd: 'puback', messageId: 4 } as never)
  const [together, alone] = charge.mock.calls.map(([units]) => units)
  expect(together).toBe(3 * alone!)
})

it('count acknowledgements whose last one never comes: a filter dropped it, or the connection has ended', () => {
  const client = broker.connect({ clientId: 'a' })
  client.acknowledge(PacketType.Puback, 1, false)
  client.acknowledge(PacketType.Pubcomp, 1, true)
  expect(counters().packetsIn[PacketType.Puback]).toBe(1)
  client.acknowledge(PacketType.Puback, 2, false)
  client.lose()
  expect(counters().packetsIn[PacketType.Puback]).toBe(2)
  expect(counters().packetsIn[PacketType.Pubcomp]).toBe(1)
})

it('count connects, refusals and ends of connections by reason', () => {
  broker
    .connect({ clientId: 'a' })
    .take({ cmd: 'disconnect', reasonCode: ReasonCode.DisconnectWithWillMessage } as never)
  broker.connect({ clientId: 'b' }).lose()
  broker.connect({ clientId: 'c' })
  broker.broker.disconnect('c')
  broker.connect({ clientId: 'd' }, 4).take({ cmd: 'disconnect' } as never)
  broker.open().take(connectPacket({ clientId: 'x'.repeat(2_000) }))
  const { connects, refusals, disconnectsByBroker, disconnectsByClient, lostConnections } = counters()
  expect([connects, lostConnections]).toEqual([4, 1])
  expect(refusals[ReasonCode.ClientIdentifierNotValid]).toBe(1)
  expect(disconnectsByBroker[ReasonCode.AdministrativeAction]).toBe(1)
  expect([disconnectsByClient[ReasonCode.DisconnectWithWillMessage], disconnectsByClient[0]]).toEqual([1, 1])
})

it('the broker counts sessions whose time is over', () => {
  broker.connect(persistent('away')).lose()
  broker.core.expiredSessions.add(broker.core.sessions.get('away')!)
  expect(broker.core.counters.expiredSessions).toBe(1)
})
