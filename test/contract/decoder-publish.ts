/** What every decoder makes of a PUBLISH packet: the values of one transmission, and the places of what is forwarded. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DecoderStage } from '../../src/kinds/pipeline-stage.ts'
import { Message } from '../../src/mqtt/message.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import type { Publish } from '../../src/mqtt/publish.ts'
import { publishSize } from '../../src/mqtt/publish-size.ts'
import { FakeConnection } from '../helpers/fake-connection.ts'
import { runs } from '../helpers/full-run.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { fuzzSeed } from '../helpers/packets.ts'

/** What a decoder passes on, looked at before the call returns: it is lent. */
const decoded = <T>(stage: DecoderStage, version: ProtocolVersion, bytes: Buffer, look: (publish: Publish) => T): T => {
  const seen: T[] = []
  const connection = new FakeConnection()
  connection.protocolVersion = version
  const decoder = stage.open(connection, {
    packet: () => expect.unreachable(),
    publish: (publish) => void seen.push(look(publish)),
    fail: ({ message }) => expect.fail(message),
  })
  decoder.bytes(bytes)
  expect(seen).toHaveLength(1)
  return seen[0]!
}

/** Everything in a Publish that a handler looks at, but for when it expires. */
const fieldsOf = (publish: Publish) => {
  const { message, subscriptionIdentifiers, ...fields } = publish
  const { topic, qos, retain } = message
  return {
    ...fields,
    message: {
      topic,
      qos,
      retain,
      payload: message.payload.toString(),
      properties: message.properties.toString('hex'),
    },
  }
}

const DEFAULTS = { qos: 0, retain: false, dup: false, packetIdentifier: 0, topicAlias: 0, omitsTopic: false }
const NO_PROPERTIES = { messageExpiryInterval: -1, payloadFormatUtf8: false }

const fillsThePublish = (make: () => DecoderStage): void => {
  const messageOf = (fields: object) => ({
    ...{ topic: 'a', qos: 0, retain: false, payload: 'hi', properties: '' },
    ...fields,
  })
  it.each([
    ['the least', 3, '30 @ "a" \'hi\'', {}, {}],
    ['the least of MQTT 5.0', 5, '30 @ "a" [] \'hi\'', {}, {}],
    [
      'QoS and RETAIN, of the packet and of the message',
      4,
      '35 @ "a" 0102 \'hi\'',
      { qos: 2, retain: true, packetIdentifier: 0x0102 },
      {},
    ],
    ['DUP', 5, '3a @ "a" ffff [] \'hi\'', { qos: 1, dup: true, packetIdentifier: 0xffff }, {}],
    ['a Topic Alias beside a Topic Name', 5, '30 @ "a" [23 ffff] \'hi\'', { topicAlias: 0xffff }, {}],
    ['a Topic Alias in place of it', 5, '30 @ "" [23 0001] \'hi\'', { topicAlias: 1, omitsTopic: true }, { topic: '' }],
    ['a Message Expiry Interval of 0', 5, '30 @ "a" [02 00000000] \'hi\'', { messageExpiryInterval: 0 }, {}],
    ['the longest one', 5, '30 @ "a" [02 ffffffff] \'hi\'', { messageExpiryInterval: 0xffff_ffff }, {}],
    [
      'a payload that says it is text',
      5,
      '30 @ "a" [01 01] \'hi\'',
      { payloadFormatUtf8: true },
      { properties: '0101' },
    ],
    ['one that says it is not', 5, '30 @ "a" [01 00] \'hi\'', {}, { properties: '0100' }],
  ] as const)('finds %s', (_what, version, bytes, fields, message) => {
    const qos = (fields as { qos?: number }).qos ?? 0
    const retain = (fields as { retain?: boolean }).retain ?? false
    expect(decoded(make(), version, packetBytes(bytes), fieldsOf)).toEqual({
      ...DEFAULTS,
      ...NO_PROPERTIES,
      ...fields,
      message: messageOf({ qos, retain, ...message }),
    })
  })

  it('carries nothing over from the previous packet', () => {
    const stage = make()
    const full = packetBytes('3b @ "topic" 0007 [01 01 02 00000001 23 0003 26 "a" "b"] \'payload\'')
    for (const version of [5, 4] as const) {
      decoded(stage, 5, full, fieldsOf)
      const least = packetBytes(version === 5 ? '30 @ "a" [] \'hi\'' : '30 @ "a" \'hi\'')
      const expected = { ...DEFAULTS, ...NO_PROPERTIES, message: messageOf({}) }
      expect(decoded(stage, version, least, fieldsOf)).toEqual(expected)
      expect(decoded(stage, version, least, ({ message }) => message.expiresAtMs)).toBe(Number.POSITIVE_INFINITY)
    }
  })

  it('carries nothing over from a filter that is not type-checked, and never reuses its message', () => {
    const stage = make()
    const least = packetBytes('30 @ "a" \'hi\'')
    const own = Message.of({ topic: 'own', payload: Buffer.from('of the filter') })
    decoded(stage, 5, packetBytes('3b @ "topic" 0007 [23 0003] \'payload\''), (publish) => {
      Object.assign(publish, { message: own, omitsTopic: true, subscriptionIdentifiers: [1], payloadFormatUtf8: true })
    })
    expect(decoded(stage, 4, least, fieldsOf)).toEqual({ ...DEFAULTS, ...NO_PROPERTIES, message: messageOf({}) })
    expect(decoded(stage, 4, least, ({ subscriptionIdentifiers }) => subscriptionIdentifiers)).toEqual([])
    expect([own.topic, own.payload.toString(), own.keep()]).toEqual(['own', 'of the filter', own])
  })

  it('gives every message a unique serial, and a kept message memory of its own', () => {
    const stage = make()
    const chunk = packetBytes('30 @ "a" [26 "k" "v"] \'hi\'')
    const [first, second] = [1, 2].map(() => decoded(stage, 5, chunk, ({ message }) => message.keep()))
    expect(first!.serial).not.toBe(second!.serial)
    chunk.fill(0)
    const { topic, properties, payload } = first!
    expect([topic, properties.toString('hex'), payload.toString()]).toEqual([
      'a',
      '260001 6b 0001 76'.replaceAll(' ', ''),
      'hi',
    ])
  })

  it('sets the time at which a message expires, on a clock that never steps back', () => {
    const nowMs = () => performance.timeOrigin + performance.now()
    const before = nowMs()
    const expiresAtMs = decoded(make(), 5, packetBytes('30 @ "a" [02 0000000a]'), ({ message }) => message.expiresAtMs)
    expect(expiresAtMs).toBeGreaterThanOrEqual(before + 10_000)
    expect(expiresAtMs).toBeLessThanOrEqual(nowMs() + 10_000)
  })
}

const EXPIRY = '02 00000005'
const ALIAS = '23 0007'
const FORWARDED = [
  '01 01',
  '03 "text/plain"',
  '08 "answer"',
  '09 <00ff>',
  '26 "b" "1"',
  '26 "a" "2"',
  '26 "b" "3"',
  '26 "" ""',
]

const forwardsProperties = (make: () => DecoderStage): void => {
  it('forwards all other properties byte for byte and in their order, with Topic Alias and Message Expiry Interval at any place', () => {
    const stage = make()
    const properties = fc
      .tuple(fc.shuffledSubarray(FORWARDED), fc.subarray([EXPIRY, ALIAS]))
      .chain(([forwarded, own]) => fc.tuple(fc.constant(forwarded), inserted(forwarded, own)))
    fc.assert(
      fc.property(properties, fc.constantFrom('00', '02'), ([forwarded, all], flags) => {
        const qos = flags === '02' ? '32 @ "a/b" 0009' : '30 @ "a/b"'
        const bytes = packetBytes(`${qos} [${all.join(' ')}] 'payload'`)
        decoded(stage, 5, bytes, (publish) => {
          const { message } = publish
          expect(message.properties.toString('hex')).toBe(packetBytes(forwarded.join(' ')).toString('hex'))
          expect([message.topic, message.payload.toString()]).toEqual(['a/b', 'payload'])
          expect(publish.messageExpiryInterval).toBe(all.includes(EXPIRY) ? 5 : -1)
          expect(publish.topicAlias).toBe(all.includes(ALIAS) ? 7 : 0)
          expect(publishSize(publish, 5)).toBe(bytes.length)
        })
      }),
      { numRuns: runs(500), seed: fuzzSeed },
    )
  })
}

/** The list with the others inserted anywhere. */
const inserted = (list: readonly string[], others: readonly string[]) =>
  fc.tuple(...others.map(() => fc.nat(list.length + 1))).map((places) => {
    const all = [...list]
    for (const [index, other] of others.entries()) all.splice(places[index]!, 0, other)
    return all
  })

/** @param make a decoder stage of the implementation under test. */
export const decoderPublishContract = (make: () => DecoderStage): void => {
  describe('of a PUBLISH packet', () => {
    fillsThePublish(make)
    forwardsProperties(make)
  })
}
