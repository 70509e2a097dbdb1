import { describe, expect, it } from 'vitest'
import type { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { arena, holdingAtMost, VERSIONS } from './arena.ts'
import { noProperties } from './attacker.ts'

const attack = arena()

/** Bytes of a first packet that any peer can send. The connection is closed without an answer. */
const BEFORE_CONNECT: readonly (readonly [string, string])[] = [
  ['a CONNECT packet of 256 MB', '10 ffffff7f'],
  ['a CONNECT packet of 256 MB that begins well', '10 ffffff7f 0004 4d515454 05'],
  ['a Remaining Length of five bytes', '10 ffffffff7f'],
  ['a Remaining Length of five bytes that means 14', '10 8e80808000'],
  ['an overlong Remaining Length', '10 8e00'],
  ['reserved flags', '1f @ "MQTT" 04 02 0000 "c"'],
  ['packet type 0', '00 00'],
  ['PUBLISH', '30 @ "a" \'x\''],
  ['SUBSCRIBE', '82 @ 0001 "a" 00'],
  ['PINGREQ', 'c0 00'],
  ['DISCONNECT', 'e0 00'],
  ['CONNACK', '20 02 0000'],
  ['an HTTP request', "'GET / HTTP/1.1'"],
  ['a TLS handshake', '16 0301 0200'],
]

describe('before CONNECT', () => {
  it.each(BEFORE_CONNECT)('%s closes the connection', async (_, bytes) => {
    const attacker = await attack.open()
    expect(await attacker.send(bytes).rest()).toEqual([])
  })

  it('packets that are announced and do not come cost next to nothing', async () => {
    await holdingAtMost(8, async () => {
      const attackers = await Promise.all(Array.from({ length: 200 }, () => attack.open()))
      for (const attacker of attackers) attacker.send('10 80 80 01', Buffer.alloc(100))
      await attack.bystanderIsServed()
    })
  })
})

type Row = readonly [string, string, keyof typeof ReasonCode]

/** Packets of any version, `{}` where MQTT 5.0 has a Property Length. */
const AFTER_CONNECT: readonly Row[] = [
  ['a PUBLISH packet of 256 MB', '30 ffffff7f', 'PacketTooLarge'],
  ['a SUBSCRIBE packet of 256 MB', '82 ffffff7f', 'PacketTooLarge'],
  ['a Remaining Length of five bytes', '30 8080808001', 'MalformedPacket'],
  ['an overlong Remaining Length', 'c0 8000', 'MalformedPacket'],
  ['a second CONNECT', '10 @ "MQTT" 04 02 0000 "a"', 'ProtocolError'],
  ['CONNACK', '20 02 0000', 'ProtocolError'],
  ['SUBACK', '90 03 0001 00', 'ProtocolError'],
  ['UNSUBACK', 'b0 02 0001', 'ProtocolError'],
  ['PINGRESP', 'd0 00', 'ProtocolError'],
  ['packet type 0', '00 00', 'MalformedPacket'],
  ['PUBLISH at QoS 3', '36 @ "a" 0001 {}', 'MalformedPacket'],
  ['PUBLISH at QoS 0 with DUP', '38 @ "a" {}', 'MalformedPacket'],
  ['PINGREQ with a body', 'c0 01 00', 'MalformedPacket'],
  ['an empty PUBLISH', '30 00', 'MalformedPacket'],
  ['PUBLISH with half a length', '30 01 00', 'MalformedPacket'],
  ['PUBLISH whose Topic Name goes past its end', "30 @ ffff 'abc'", 'MalformedPacket'],
  ['PUBLISH at QoS 1 with half a Packet Identifier', '32 @ "a" 00', 'MalformedPacket'],
  ['PUBLISH at QoS 1 with Packet Identifier 0', '32 @ "a" 0000 {}', 'ProtocolError'],
  ['PUBLISH at QoS 2 with Packet Identifier 0', '34 @ "a" 0000 {}', 'ProtocolError'],
  ['an empty SUBSCRIBE', '82 00', 'MalformedPacket'],
  ['SUBSCRIBE with a Packet Identifier alone', '82 @ 0001 {}', 'ProtocolError'],
  ['SUBSCRIBE whose filter goes past its end', "82 @ 0001 {} ffff 'abc'", 'MalformedPacket'],
  ['SUBSCRIBE without options', '82 @ 0001 {} "a"', 'MalformedPacket'],
  ['SUBSCRIBE with half of a second filter', '82 @ 0001 {} "a" 00 00', 'MalformedPacket'],
  ['SUBSCRIBE with Packet Identifier 0', '82 @ 0000 {} "a" 00', 'ProtocolError'],
  ['an empty UNSUBSCRIBE', 'a2 00', 'MalformedPacket'],
  ['UNSUBSCRIBE with Packet Identifier 0', 'a2 @ 0000 {} "a"', 'ProtocolError'],
  ['UNSUBSCRIBE whose filter goes past its end', "a2 @ 0001 {} 0009 'abc'", 'MalformedPacket'],
  ['an empty PUBACK', '40 00', 'MalformedPacket'],
  ['PUBACK for Packet Identifier 0', '40 02 0000', 'ProtocolError'],
  ['PUBREL for Packet Identifier 0', '62 02 0000', 'ProtocolError'],
  ['PUBREC with half a Packet Identifier', '50 01 00', 'MalformedPacket'],
  ['PUBCOMP with bytes behind it', '70 @ 0001 00 {} 00', 'MalformedPacket'],
]

/** Bits that MQTT 3.1 does not use, and later versions reserve. */
const RESERVED: readonly Row[] = [
  ['SUBSCRIBE with reserved flags', '80 @ 0001 {} "a" 00', 'MalformedPacket'],
  ['UNSUBSCRIBE with reserved flags', 'a0 @ 0001 {} "a"', 'MalformedPacket'],
  ['PUBREL with reserved flags', '60 02 0001', 'MalformedPacket'],
  ['PUBACK with reserved flags', '41 02 0001', 'MalformedPacket'],
  ['PINGREQ with reserved flags', 'c1 00', 'MalformedPacket'],
  ['DISCONNECT with reserved flags', 'e8 00', 'MalformedPacket'],
  ['SUBSCRIBE with reserved options', '82 @ 0001 {} "a" c0', 'MalformedPacket'],
]

describe.each(VERSIONS)('version %i', (version) => {
  it.each(version === 3 ? AFTER_CONNECT : [...AFTER_CONNECT, ...RESERVED])(
    '%s ends the connection',
    async (_, notation, reason) => {
      const attacker = await attack.connected(version)
      await attacker.subscribe('untouched')
      attacker.send(notation.replace('{}', noProperties(version)))
      // What follows is not looked at any more [MQTT-4.13.1-1].
      attacker.send(`30 @ "untouched" ${noProperties(version)} 'x'`)
      expect(await attacker.isThrownOut(reason)).toEqual([])
    },
  )

  it('a PUBLISH packet that ends before its declared length is not delivered', async () => {
    const witness = await attack.connected(version)
    await witness.subscribe('cut/off')
    const attacker = await attack.connected(version)
    attacker.send(`30 64 0007 'cut/off' ${noProperties(version)} 'begins well'`)
    attacker.raw.socket.end()
    expect(await attacker.rest()).toEqual([])
    await witness.isAlive()
  })
})
