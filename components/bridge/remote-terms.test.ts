import { expect, it } from 'vitest'
import { FrameReader } from './frame-reader.ts'
import { readConnack } from './remote-terms.ts'

const read = (bytes: number[], version: 4 | 5 = 5) => {
  const frames = new FrameReader(1_000)
  frames.push(Buffer.from([0x20, bytes.length, ...bytes]))
  return readConnack(frames.next()!, version)
}

it('has the limits of the specification where CONNACK says nothing', () => {
  expect(read([1, 0, 0])).toEqual({
    ...{ sessionPresent: true, receiveMaximum: 65_535, maximumQoS: 2, retainAvailable: true },
    ...{ maximumPacketSize: Number.POSITIVE_INFINITY, keepAliveSeconds: undefined },
  })
})

it.each([
  [[0x21, 0, 9], { receiveMaximum: 9 }],
  [[0x24, 1], { maximumQoS: 1 }],
  [[0x25, 0], { retainAvailable: false }],
  [[0x25, 1], { retainAvailable: true }],
  [[0x27, 0, 0, 1, 0], { maximumPacketSize: 256 }],
  [[0x13, 0, 9], { keepAliveSeconds: 9 }],
])('takes the property %j', (property, expected) => {
  expect(read([0, 0, property.length, ...property])).toMatchObject(expected)
})

it.each([
  [[0, 5], 4, 'not authorized (5)'],
  [[0, 6], 4, 'Return Code 6'],
  [[0, 0x87, 0], 5, 'Not authorized (0x87)'],
] as const)('says why the bridge is refused: %j of version %i', (bytes, version, why) => {
  expect(read([...bytes], version)).toBe(why)
})

it.each([[[0, 0, 2, 0x7f, 0]], [[0, 0, 5, 0x27, 0, 0]]])('refuses the malformed CONNACK %j', (bytes) => {
  expect(() => read(bytes)).toThrow('it sent a malformed packet')
})
