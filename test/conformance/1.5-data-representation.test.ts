import { describe, expect, it } from 'vitest'
import { conformanceBroker, unique } from '../helpers/conformance-broker.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'

const MALFORMED = 0x81

const ILL_FORMED = [
  ['a stray continuation byte', '80'],
  ['a missing continuation byte', 'c328'],
  ['a sequence cut off by the end', 'e8aa'],
  ['an overlong form', 'c0af'],
  ['the first surrogate, U+D800', 'eda080'],
  ['the last surrogate, U+DFFF', 'edbfbf'],
  ['a pair of surrogates', 'eda080edb080'],
  ['a code point over U+10FFFF', 'f4908080'],
] as const

/** Every place of a UTF-8 Encoded String in what a client sends after CONNECT; `S` stands for the string. */
const PLACES = [
  ['a Topic Name', '30 @ S []'],
  ['a Content Type', '30 @ "a" [03 S]'],
  ['a Response Topic', '30 @ "a" [08 S]'],
  ['the name of a User Property', '30 @ "a" [26 S "v"]'],
  ['the value of a User Property', '30 @ "a" [26 "k" S]'],
  ['a Topic Filter of SUBSCRIBE', '82 @ 0001 [] S 00'],
  ['a Topic Filter of UNSUBSCRIBE', 'a2 @ 0001 [] S'],
  ['a Reason String', 'e0 @ 00 [1f S]'],
] as const

/** The same for CONNECT. */
const PLACES_OF_CONNECT = [
  ['a Client Identifier', '10 @ "MQTT" 05 02 003c [] S'],
  ['a Will Topic', '10 @ "MQTT" 05 06 003c [] "c" [] S <00>'],
  ['a User Name', '10 @ "MQTT" 05 82 003c [] "c" S'],
  ['a User Property', '10 @ "MQTT" 05 02 003c [26 "k" S] "c"'],
  ['a User Property of the Will', '10 @ "MQTT" 05 06 003c [] "c" [26 S "v"] "w" <00>'],
  ['an Authentication Method', '10 @ "MQTT" 05 02 003c [15 S] "c"'],
] as const

describe.concurrent('1.5 Data representation', () => {
  const broker = conformanceBroker()

  describe.each(ILL_FORMED)('with %s', (_, bytes) => {
    it.each(PLACES)('an ill-formed string is refused as %s [MQTT-1.5.4-1]', async (_place, packet) => {
      const client = await broker.connect()
      client.send(packet.replace('S', `<61${bytes}>`))
      await client.expectDisconnect(MALFORMED)
    })
    it.each(PLACES_OF_CONNECT)(
      'an ill-formed string is refused as %s of CONNECT [MQTT-1.5.4-1]',
      async (_place, packet) => {
        const client = await broker.open()
        client.send(packet.replace('S', `<61${bytes}>`))
        await client.expectRefusal(MALFORMED)
      },
    )
  })

  it.each(PLACES)('U+0000 is refused in %s [MQTT-1.5.4-2]', async (_, packet) => {
    const client = await broker.connect()
    client.send(packet.replace('S', '<610062>'))
    await client.expectDisconnect(MALFORMED)
  })

  it.each(PLACES_OF_CONNECT)('U+0000 is refused in %s of CONNECT [MQTT-1.5.4-2]', async (_, packet) => {
    const client = await broker.open()
    client.send(packet.replace('S', '<610062>'))
    await client.expectRefusal(MALFORMED)
  })

  it('U+FEFF is kept wherever it stands in a string, and tells topics apart [MQTT-1.5.4-3]', async () => {
    const topic = unique()
    const client = await broker.connect()
    const bytes = `efbbbf${Buffer.from(topic).toString('hex')}`
    client.send(`82 @ 0009 [] <${bytes}> 00`, `82 @ 000a [] "${topic}" 01`)
    await client.take('suback')
    await client.take('suback')
    client.send(`32 @ <${bytes}> 0001 [03 <efbbbf61efbbbf> 26 <efbbbf> <62efbbbf>] 'x'`)
    const packet = await client.take('publish')
    // At QoS 0: what matched is the filter with U+FEFF alone.
    const expected = packetBytes(`30 @ <${bytes}> [03 <efbbbf61efbbbf> 26 <efbbbf> <62efbbbf>] 'x'`)
    expect(packet.hex).toBe(expected.toString('hex'))
  })

  it('any other code point passes as it is, also beyond the first plane', async () => {
    const topic = unique()
    const client = await broker.connect()
    await client.subscribe(`${topic}/#`)
    client.send(`30 @ "${topic}/\u{1f388}\u{10ffff}é" [03 "語"] 'x'`)
    const packet = await client.message({ topic: `${topic}/\u{1f388}\u{10ffff}é` })
    expect(packet.properties.contentType).toBe('語')
  })

  it.each([
    ['a Remaining Length of 0 in two bytes', 'c0 80 00'],
    ['a Remaining Length of 2 in four bytes', '40 82 80 80 00 0001'],
    ['a Property Length of 0 in two bytes', '30 @ "a" 8000'],
    ['a Subscription Identifier of 1 in two bytes', '82 @ 0001 [0b 8100] "a" 00'],
  ])('an integer longer than it need be is refused: %s [MQTT-1.5.5-1]', async (_, packet) => {
    const client = await broker.connect()
    client.send(packet)
    await client.expectDisconnect(MALFORMED)
  })

  it.each([
    ['a Remaining Length', '30 80 80 80 80 01'],
    ['a Property Length', '30 @ "a" 8080808001'],
  ])('%s of five bytes is refused', async (_, packet) => {
    const client = await broker.connect()
    client.send(packet)
    await client.expectDisconnect(MALFORMED)
  })

  it.each([0, 1, 110, 111, 112, 16_365, 16_366, 16_367, 16_368, 20_000])(
    'with a payload of %i bytes the Remaining Length of what the broker sends is as short as can be [MQTT-1.5.5-1]',
    async (length) => {
      const topic = unique()
      const client = await broker.connect()
      await client.subscribe(topic)
      await client.publish(topic, Buffer.alloc(length, 'x'))
      const packet = await client.message()
      expect(packet.hex).toBe(packetBytes(`30 @ "${topic}" [] ${'78'.repeat(length)}`).toString('hex'))
    },
  )

  it('a String Pair is delivered as it was sent, both strings empty too [MQTT-1.5.7-1]', async () => {
    const topic = unique()
    const client = await broker.connect()
    await client.subscribe(topic)
    client.send(`30 @ "${topic}" [26 "é" "語" 26 "" ""]`)
    const { hex } = await client.message()
    expect(hex).toContain(packetBytes('26 "é" "語" 26 "" ""').toString('hex'))
  })

  it.each([
    ['a name that is ill-formed', '26 <ff> "v"'],
    ['a value that is ill-formed', '26 "k" <c3>'],
    ['a name with U+0000', '26 <00> "v"'],
    ['a value with U+0000', '26 "k" <00>'],
    ['no value', '26 "k"'],
  ])('a String Pair with %s is refused [MQTT-1.5.7-1]', async (_, property) => {
    const client = await broker.connect()
    client.send(`30 @ "a" [${property}]`)
    await client.expectDisconnect(MALFORMED)
  })
})
