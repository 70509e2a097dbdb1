import { describe, expect, it } from 'vitest'
import type { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { arena, VERSIONS } from './arena.ts'
import { connectNotation, noProperties } from './attacker.ts'

const attack = arena()

type Row = readonly [string, number, string, keyof typeof ReasonCode]

/** Wills by what is wrong with them: further Connect Flags, the end of the packet, the Reason Code. */
const ILLEGAL: readonly Row[] = [
  ['no topic', 0x04, '{} "" <>', 'ProtocolError'],
  ['a wildcard in its topic', 0x04, '{} "a/#" <>', 'TopicNameInvalid'],
  ['U+0000 in its topic', 0x04, '{} <6100> <>', 'MalformedPacket'],
  ['QoS 3', 0x1c, '{} "will" <>', 'MalformedPacket'],
  ['no payload', 0x04, '{} "will"', 'MalformedPacket'],
  ['a payload past the packet', 0x04, '{} "will" 00ff 00', 'MalformedPacket'],
]
/** MQTT 3.1 disregards these flags. */
const ILLEGAL_WITHOUT_WILL: readonly Row[] = [
  ['a QoS and no flag', 0x08, '', 'MalformedPacket'],
  ['RETAIN and no flag', 0x20, '', 'MalformedPacket'],
]
const ILLEGAL_PROPERTIES: readonly Row[] = [
  ['a Topic Alias', 0x04, '[23 0001] "will" <>', 'MalformedPacket'],
  ['two Will Delay Intervals', 0x04, '[18 00000001 18 00000001] "will" <>', 'ProtocolError'],
  ['Payload Format Indicator 2', 0x04, '[01 02] "will" <>', 'ProtocolError'],
  ['a wildcard in its Response Topic', 0x04, '[08 "+"] "will" <>', 'TopicNameInvalid'],
  ['properties past the packet', 0x04, '7f 18', 'MalformedPacket'],
]

describe.each(VERSIONS)('in version %i', (version) => {
  const none = noProperties(version)
  const rows = [
    ...ILLEGAL,
    ...(version === 3 ? [] : ILLEGAL_WITHOUT_WILL),
    ...(version === 5 ? ILLEGAL_PROPERTIES : []),
  ]

  it.each(rows)('a will with %s is refused', async (_, flags, payload, reason) => {
    const attacker = await attack.open(version)
    await attacker.send(connectNotation(version, { flags, payload: payload.replace('{}', none) })).isRefused(reason)
  })

  it('a will on a topic of the server is not delivered', async () => {
    const witness = await attack.connected(version)
    await witness.subscribe('$SYS/#')
    const attacker = await attack.open(version)
    attacker.send(connectNotation(version, { flags: 0x24, payload: `${none} "$SYS/broker" <78>` }))
    attacker.raw.socket.end()
    const [connack] = await attacker.rest()
    // It is let in, as a bridge of mosquitto has to be, which names such a Will.
    expect(connack).toMatch(version === 5 ? /^20..0000/ : /^20020000/)
    await witness.isAlive()
    const late = await attack.connected(version)
    await late.subscribe('$SYS/#')
    await late.isAlive()
  })

  it('a will is fired once, and not after DISCONNECT', async () => {
    const witness = await attack.connected(version)
    await witness.subscribe('will/+')
    const will = (topic: string) => ({ flags: 4, payload: `${none} "${topic}" <78>` })
    const polite = await attack.connected(version, will('will/polite'))
    await polite.send('e0 00').rest()
    const rude = await attack.connected(version, will('will/rude'))
    rude.send('00 00')
    await rude.rest()
    expect(await witness.packet()).toContain(Buffer.from('will/rude').toString('hex'))
    await witness.isAlive()
  })
})

/** CONNECT packets that the broker refuses, all with the Client Identifier and a Will that they are given. */
const REFUSED: readonly (readonly [string, (clientId: string) => string])[] = [
  ['an Authentication Method that does not exist', (clientId) => connectNotation(5, withWill(clientId, '15 "none"'))],
  ['an illegal property', (clientId) => connectNotation(5, withWill(clientId, '23 0001'))],
  ['bytes behind its end', (clientId) => `${connectNotation(5, withWill(clientId))} 00`],
  [
    'a wildcard in the Will Topic',
    (clientId) => connectNotation(5, { ...withWill(clientId), payload: '[] "a/#" <78>' }),
  ],
  ['another version', (clientId) => connectNotation(5, withWill(clientId)).replace('"MQTT" 05', '"MQTT" 06')],
  [
    'MQTT 3.1.1 and reserved flags',
    (clientId) => connectNotation(4, { clientId, flags: 5, payload: '"refused" <78>' }),
  ],
]
const withWill = (clientId: string, properties = '') => ({
  clientId,
  properties,
  flags: 4,
  payload: '[] "refused" <78>',
})

describe.each(REFUSED)('a connection that is refused for %s', (_, packet) => {
  it('fires no will', async () => {
    const witness = await attack.connected(5)
    await witness.subscribe('#')
    const attacker = await attack.open(5)
    await attacker.send(packet('nobody')).rest()
    await witness.isAlive()
  })

  it('does not take over a session', async () => {
    const victim = await attack.connected(5, { clientId: 'victim' })
    const attacker = await attack.open(5)
    await attacker.send(packet('victim')).rest()
    await victim.isAlive()
  })

  it('wipes no session', async () => {
    const absent = { clientId: 'absent', properties: '11 000000ff' }
    const victim = await attack.connected(5, absent)
    await victim.subscribe('queued', '01')
    await victim.send('e0 00').rest()
    const publisher = await attack.connected(5)
    publisher.send('32 @ "queued" 0001 [] \'x\'')
    expect(await publisher.packet()).toBe('40020001')

    const attacker = await attack.open(5)
    await attacker.send(packet('absent')).rest()

    const again = await attack.open(5)
    again.send(connectNotation(5, { clientId: 'absent', clean: false }))
    expect(await again.packet()).toMatch(/^20..0100/)
    expect(await again.packet()).toMatch(/^32/)
  })
})
