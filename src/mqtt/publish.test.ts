import { describe, expect, it } from 'vitest'
import { Message } from './message.ts'
import { Publish, type PublishFields } from './publish.ts'

/** A packet as a decoder lends it: its parts lie in `chunk`. */
const lent = (chunk = Buffer.from('..topic/aPROPERTIESpayload..')): Publish => {
  const publish: PublishFields = new Publish()
  Object.assign(Message.refill(publish.message, chunk), {
    ...{ topicStart: 2, topicEnd: 9, propertiesStart: 9, propertiesEnd: 19, payloadStart: 19, payloadEnd: 26 },
    ...{ qos: 2, retain: true, expiresAtMs: 5, frameVersion: 5 },
  })
  const transmission = {
    qos: 2,
    retain: false,
    dup: true,
    packetIdentifier: 7,
    topicAlias: 3,
    messageExpiryInterval: 9,
  }
  return Object.assign(publish, { ...transmission, subscriptionIdentifiers: [4], payloadFormatUtf8: true })
}
const partsOf = ({ message, ...transmission }: Publish) => {
  const { topic, properties, payload, qos, retain, expiresAtMs, frameVersion } = message
  const parts = { topic, properties: `${properties}`, payload: `${payload}`, qos, retain, expiresAtMs, frameVersion }
  return { ...transmission, parts }
}
const UNCHANGED = { ...partsOf(lent()), parts: { ...partsOf(lent()).parts, frameVersion: 0 } }
const withParts = (parts: object) => ({ ...UNCHANGED, parts: { ...UNCHANGED.parts, ...parts } })

describe('a packet with changes', () => {
  it.each([
    ['nothing', {}, UNCHANGED],
    ['a payload', { payload: Buffer.from('new') }, withParts({ payload: 'new' })],
    ['a text as payload', { payload: '\u00e9' }, withParts({ payload: '\u00e9' })],
    ['an empty payload', { payload: '' }, withParts({ payload: '' })],
    ['a topic', { topic: 'b' }, withParts({ topic: 'b' })],
    ['RETAIN', { retain: true }, { ...UNCHANGED, retain: true }],
    ['no RETAIN', { retain: false }, withParts({ retain: false })],
    ['what is undefined', { topic: undefined, payload: undefined, retain: undefined } as object, UNCHANGED],
  ])('of %s keeps all else, and its bytes do not go out as they came in', (_, changes, expected) => {
    expect(partsOf(lent().with(changes))).toEqual(expected)
  })

  it('does not change if the packet that it was made from is reused, and the other way round', () => {
    const chunk = Buffer.from('..topic/aPROPERTIESpayload..')
    const publish = lent(chunk)
    const payload = Buffer.from('new')
    const changed = publish.with({ payload })
    expect(changed.message.serial).not.toBe(publish.message.serial)
    chunk.fill('x')
    payload.fill('x')
    Message.refill(publish.message, Buffer.alloc(0))
    Object.assign(publish, { packetIdentifier: 9 })
    expect(partsOf(changed)).toEqual(withParts({ payload: 'new' }))
    expect(changed.message.keep()).toBe(changed.message)
  })

  it.each([
    ['none', '', false],
    ['User Properties', '26 0001 61 0001 62', false],
    ['a payload that says it is text', '01 01', true],
    ['one that says it is not', '01 00 03 0001 61', false],
  ])('of Properties, %s, says whether the payload is UTF-8', (_, hex, payloadFormatUtf8) => {
    const properties = Buffer.from(hex.replaceAll(' ', ''), 'hex')
    const changed = lent().with({ properties })
    expect([changed.message.properties, changed.payloadFormatUtf8]).toEqual([properties, payloadFormatUtf8])
  })

  it.each([
    ['an empty topic', { topic: '' }, 'The Topic Name is empty.'],
    ['a wildcard', { topic: 'a/#' }, 'The Topic Name holds a wildcard character.'],
    ['U+0000', { topic: 'a\0' }, 'The Topic Name holds U+0000.'],
    ['a topic that is too long', { topic: 'x'.repeat(65_536) }, 'The Topic Name is longer than 65,535 bytes.'],
    ['an unknown property', { properties: Buffer.of(0x7f) }, 'A Property Identifier is unknown.'],
    ['a property that is cut short', { properties: Buffer.of(0x03, 0, 5) }, 'The Content Type is cut off.'],
    ['a Topic Alias', { properties: Buffer.of(0x23, 0, 1) }, 'cannot be changed'],
    ['an expiry', { properties: Buffer.of(0x26, 0, 0, 0, 0, 0x02, 0, 0, 0, 1) }, 'cannot be changed'],
    ['a Subscription Identifier', { properties: Buffer.of(0x0b, 1) }, 'Subscription Identifier'],
  ])('of %s is refused', (_, changes, message) => {
    expect(() => lent().with(changes)).toThrow(TypeError)
    expect(() => lent().with(changes)).toThrow(message)
  })

  it('has no other topic where a Topic Alias stands in its place', () => {
    const aliased = Object.assign(lent(), { omitsTopic: true })
    expect(() => aliased.with({ topic: 'b' })).toThrow('has a Topic Alias in place of its Topic Name')
    expect(partsOf(aliased.with({ payload: 'new' }))).toEqual({ ...withParts({ payload: 'new' }), omitsTopic: true })
  })
})
