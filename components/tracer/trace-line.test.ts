import { describe, expect, it } from 'vitest'
import type { TracedPacket } from '../../src/kinds/tracer.ts'
import { peerAt } from '../../test/helpers/peer-at.ts'
import { traceLineOf } from './trace-line.ts'

const packet = (more: Partial<TracedPacket> = {}): TracedPacket => ({
  direction: 'received',
  clientId: 'kitchen',
  connectionId: 3,
  peer: peerAt('192.0.2.7:5123'),
  packet: 'PUBLISH',
  fields: {},
  ...more,
})
const textOf = (more: Partial<TracedPacket>): string => traceLineOf(packet(more), 1, 5, undefined).text
const payloadOf = (payload: Uint8Array, maximumBytes: number) =>
  traceLineOf(packet({ payload }), 1, 5, maximumBytes).payload

it.each([undefined, ''])('a client whose identifier is %j is named by its connection', (clientId) => {
  expect(textOf({ clientId })).toBe('#3 192.0.2.7:5123 → PUBLISH')
})

it('fields that are false or not there are left out; those that are true have only their name', () => {
  expect(textOf({ fields: { cmd: 'publish', dup: false, retain: true, qos: 0, topicAlias: undefined } })).toBe(
    'kitchen → PUBLISH retain qos=0',
  )
})

it('values that are no texts are written as JSON', () => {
  expect(textOf({ fields: { granted: [0, 135], reason: null, strange: Symbol('x') } })).toBe(
    'kitchen → PUBLISH granted=[0,135] reason=null strange=Symbol(x)',
  )
})

describe('a payload that is cut', () => {
  it.each([
    ['behind a whole character of one byte', 'abc', 2, 'ab'],
    ['within a character of two bytes', 'aé', 2, 'a'],
    ['within a character of three bytes, behind its first', 'a€', 2, 'a'],
    ['within a character of three bytes, behind its second', 'a€', 3, 'a'],
    ['within a character of four bytes', 'a😀', 4, 'a'],
    ['behind a whole character of two bytes', 'aéz', 3, 'aé'],
    ['behind a whole character of three bytes', 'a€z', 4, 'a€'],
    ['behind a whole character of four bytes', 'a😀z', 5, 'a😀'],
    ['before its first byte', 'abc', 0, ''],
  ])('%s is still a text', (_, text, maximum, expected) => {
    expect(payloadOf(Buffer.from(text), maximum)).toMatchObject({ text: expected, isCut: true })
  })

  it.each([
    ['bytes that continue a character which never began', [0x61, 0x80, 0x80, 0x80, 0x80], 4],
    ['a byte that is in no text', [0xff, 0x61, 0x61], 2],
  ])('%s is binary', (_, bytes, maximum) => {
    const payload = payloadOf(Uint8Array.from(bytes), maximum)
    expect(payload).toEqual({ base64: Buffer.from(bytes.slice(0, maximum)).toString('base64'), isCut: true })
  })
})
