import { describe, expect, it } from 'vitest'
import { arena, VERSIONS } from './arena.ts'
import { connectNotation, noProperties } from './attacker.ts'

const attack = arena()

/** What no UTF-8 Encoded String may hold [MQTT-1.5.4-1] [MQTT-1.5.4-2]. */
const ILLEGAL: readonly (readonly [string, string])[] = [
  ['U+0000', '6100'],
  ['a surrogate', 'eda080'],
  ['a pair of surrogates', 'eda081edb080'],
  ['an overlong form', 'c0af'],
  ['a form cut off', '61e282'],
  ['a stray byte', '80'],
  ['a code point over U+10FFFF', 'f4908080'],
]

/** Strings of CONNECT by version: the packet's end, with `?` for the string, and its Connect Flags. */
const IN_CONNECT = [
  ['Client Identifier', VERSIONS, '', 0, undefined],
  ['User Name', VERSIONS, '?', 0x80, undefined],
  ['Will Topic', VERSIONS, '{} ? <>', 0x04, undefined],
  ['Content Type of the Will', [5], '[03 ?] "will" <>', 0x04, undefined],
  ['Response Topic of the Will', [5], '[08 ?] "will" <>', 0x04, undefined],
  ['value of a User Property of the Will', [5], '[26 "name" ?] "will" <>', 0x04, undefined],
  ['name of a User Property', [5], '', 0, '26 ? "value"'],
  ['Authentication Method', [5], '', 0, '15 ?'],
] as const

describe.each(IN_CONNECT)('the %s of CONNECT', (field, versions, payload, flags, properties) => {
  it.each(versions)('is refused with what is not UTF-8, in version %i', async (version) => {
    for (const [what, bytes] of ILLEGAL) {
      const filled = {
        flags,
        payload: payload.replace('{}', noProperties(version)).replace('?', `<${bytes}>`),
        properties: properties?.replace('?', `<${bytes}>`) ?? '',
      }
      const packet = connectNotation(version, { clientId: 'name', ...filled })
      const attacker = await attack.open(version)
      attacker.send(field === 'Client Identifier' ? packet.replace('"name"', `<${bytes}>`) : packet)
      await attacker.isRefused('MalformedPacket').catch((error: unknown) => {
        throw new Error(`${field} with ${what}`, { cause: error })
      })
    }
  })
})

/** Strings of other packets by version. */
const LATER = [
  ['Topic Name', VERSIONS, '30 @ ? {}'],
  ['Topic Name at QoS 2', VERSIONS, '34 @ ? 0001 {}'],
  ['Topic Filter', VERSIONS, '82 @ 0001 {} ? 00'],
  ['second Topic Filter', VERSIONS, '82 @ 0001 {} "a" 00 ? 00'],
  ['Topic Filter of UNSUBSCRIBE', VERSIONS, 'a2 @ 0001 {} ?'],
  ['Response Topic', [5], '30 @ "a" [08 ?]'],
  ['Content Type', [5], '30 @ "a" [03 ?]'],
  ['name of a User Property of PUBLISH', [5], '30 @ "a" [26 ? "value"]'],
  ['value of a User Property of PUBLISH', [5], '30 @ "a" [26 "name" ?]'],
  ['User Property of SUBSCRIBE', [5], '82 @ 0001 [26 "name" ?] "a" 00'],
  ['User Property of UNSUBSCRIBE', [5], 'a2 @ 0001 [26 ? "value"] "a"'],
  ['Reason String of PUBACK', [5], '40 @ 0001 00 [1f ?]'],
  ['Reason String of PUBREL', [5], '62 @ 0001 00 [1f ?]'],
  ['Reason String of DISCONNECT', [5], 'e0 @ 04 [1f ?]'],
  ['Authentication Method of AUTH', [5], 'f0 @ 19 [15 ?]'],
] as const

describe.each(LATER)('the %s', (field, versions, notation) => {
  it.each(versions)('ends the connection with what is not UTF-8, in version %i', async (version) => {
    for (const [what, bytes] of ILLEGAL) {
      const attacker = await attack.connected(version)
      attacker.send(notation.replace('{}', noProperties(version)).replace('?', `<${bytes}>`))
      await attacker.isThrownOut('MalformedPacket').catch((error: unknown) => {
        throw new Error(`${field} with ${what}`, { cause: error })
      })
    }
  })
})

it.each(VERSIONS)('what is well-formed, however odd, arrives as it is, in version %i', async (version) => {
  // A byte order mark [MQTT-1.5.4-3], the highest code point, an isolated combining mark, a direction override.
  const topic = '\ufeff/\u{10ffff}/\u0301/\u202e'
  const attacker = await attack.connected(version)
  await attacker.subscribe(topic)
  attacker.send(`30 @ "${topic}" ${noProperties(version)} 'x'`)
  const bytes = Buffer.from(topic).toString('hex')
  expect(await attacker.packet()).toContain(bytes)
})
