import { describe, expect, it, vi } from 'vitest'
import type { DecoderStage } from '../../src/kinds/pipeline-stage.ts'
import type { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { countWork } from '../helpers/count-work.ts'
import { FakeConnection } from '../helpers/fake-connection.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { arena, holdingAtMost } from './arena.ts'
import { connectNotation } from './attacker.ts'

const attack = arena()

type Row = readonly [string, string, keyof typeof ReasonCode]

const IN_CONNECT: readonly Row[] = [
  ['two Session Expiry Intervals', '11 00000000 11 00000000', 'ProtocolError'],
  ['two Receive Maximums', '21 0001 21 0001', 'ProtocolError'],
  ['Receive Maximum 0', '21 0000', 'ProtocolError'],
  ['Maximum Packet Size 0', '27 00000000', 'ProtocolError'],
  ['two Topic Alias Maximums', '22 0001 22 0001', 'ProtocolError'],
  ['Request Problem Information 2', '17 02', 'ProtocolError'],
  ['Authentication Data without a Method', '16 <00>', 'ProtocolError'],
  ['a Topic Alias', '23 0001', 'MalformedPacket'],
  ['a Reason String', '1f "x"', 'MalformedPacket'],
  ['Maximum QoS, which only the server says', '24 01', 'MalformedPacket'],
  ['a property that does not exist', '00', 'MalformedPacket'],
  ['a property cut off', '11 0000', 'MalformedPacket'],
]

it.each(IN_CONNECT)('CONNECT with %s is refused', async (_, properties, reason) => {
  const attacker = await attack.open(5)
  await attacker.send(connectNotation(5, { properties })).isRefused(reason)
})

const LATER: readonly Row[] = [
  ['PUBLISH with two Payload Format Indicators', '30 @ "a" [01 01 01 01]', 'ProtocolError'],
  ['PUBLISH with Payload Format Indicator 2', '30 @ "a" [01 02]', 'ProtocolError'],
  ['PUBLISH with two Message Expiry Intervals', '30 @ "a" [02 00000001 02 00000001]', 'ProtocolError'],
  ['PUBLISH with two Correlation Data', '30 @ "a" [09 <00> 09 <00>]', 'ProtocolError'],
  ['PUBLISH with two Response Topics', '30 @ "a" [08 "b" 08 "c"]', 'ProtocolError'],
  ['PUBLISH with a Subscription Identifier', '30 @ "a" [0b 01]', 'ProtocolError'],
  ['PUBLISH with a Session Expiry Interval', '30 @ "a" [11 00000001]', 'MalformedPacket'],
  ['PUBLISH with a wildcard in the Response Topic', '30 @ "a" [08 "b/#"]', 'TopicNameInvalid'],
  ['PUBLISH whose properties go past its end', '30 @ "a" ff7f 26', 'MalformedPacket'],
  ['PUBLISH with a property cut off by the others’ end', '30 @ "a" 03 03 0004 \'type\'', 'MalformedPacket'],
  ['PUBLISH with a property identifier of five bytes', '30 @ "a" [ff ff ff ff 7f]', 'MalformedPacket'],
  ['SUBSCRIBE with Subscription Identifier 0', '82 @ 0001 [0b 00] "a" 00', 'ProtocolError'],
  ['SUBSCRIBE with two Subscription Identifiers', '82 @ 0001 [0b 01 0b 02] "a" 00', 'ProtocolError'],
  ['SUBSCRIBE with a Subscription Identifier too long', '82 @ 0001 [0b 8080808001] "a" 00', 'MalformedPacket'],
  ['SUBSCRIBE with a Topic Alias', '82 @ 0001 [23 0001] "a" 00', 'MalformedPacket'],
  ['UNSUBSCRIBE with a Subscription Identifier', 'a2 @ 0001 [0b 01] "a"', 'MalformedPacket'],
  ['PUBACK with two Reason Strings', '40 @ 0001 00 [1f "x" 1f "y"]', 'ProtocolError'],
  ['DISCONNECT with two Session Expiry Intervals', 'e0 @ 00 [11 00000000 11 00000000]', 'ProtocolError'],
  ['DISCONNECT with a Session Expiry Interval after 0', 'e0 @ 00 [11 00000001]', 'ProtocolError'],
  ['DISCONNECT with a Topic Alias', 'e0 @ 00 [23 0001]', 'MalformedPacket'],
  ['AUTH of a client that did not ask for it', 'f0 @ 19 [15 "x"]', 'ProtocolError'],
]

it.each(LATER)('%s ends the connection', async (_, notation, reason) => {
  const attacker = await attack.connected(5)
  await attacker.send(notation).isThrownOut(reason)
})

describe('User Properties by the thousand', () => {
  const COUNT = 20_000
  const properties = Buffer.concat(
    Array.from({ length: COUNT }, (_, n) => packetBytes(`26 "n" "${String(n % 10_000).padStart(4, '0')}"`)),
  )
  const length = Buffer.from([(properties.length & 0x7f) | 0x80, ((properties.length >> 7) & 0x7f) | 0x80])
  const publish = packetBytes(
    `30 @ "many" ${length.toString('hex')}${(properties.length >> 14).toString(16).padStart(2, '0')} ${properties.toString('hex')}`,
  )

  it('arrive in their order, and are forgotten', async () => {
    const attacker = await attack.connected(5)
    await attacker.subscribe('many')
    await holdingAtMost(8, async () => {
      for (let times = 0; times < 5; times++) {
        attacker.send(publish)
        expect(await attacker.packet()).toBe(publish.toString('hex'))
      }
    })
  })

  it('take linear work in the smallest chunks', () => {
    const decoder = attack.broker.map.mqttDecoder as DecoderStage
    const received = { packets: 0, publishes: 0 }
    const input = decoder.open(new FakeConnection(), {
      packet: () => received.packets++,
      publish: () => received.publishes++,
    })
    input.bytes(packetBytes(connectNotation(5)))
    const work = countWork()
    for (let position = 0; position < publish.length; position += 10) {
      input.bytes(publish.subarray(position, position + 10))
    }
    expect(received).toEqual({ packets: 1, publishes: 1 })
    vi.restoreAllMocks()
    expect(work.copied).toBeLessThan(2 * publish.length)
    expect(work.allocated).toBeLessThan(2 * publish.length)
  })

  it('in a CONNECT packet are accepted as far as its size is', async () => {
    const attacker = await attack.open(5)
    const some = properties.subarray(0, 9 * 800).toString('hex')
    attacker.send(connectNotation(5, { properties: some }))
    expect(await attacker.packet()).toMatch(/^20..0000/)
    const another = await attack.open(5)
    another.send(packetBytes('10 ffff07'), properties)
    expect(await another.rest()).toEqual([])
  })
})
