import { expect, it } from 'vitest'
import { Message } from '../../src/mqtt/message.ts'
import { payloadOf } from './payload.ts'

const message = (payload: Buffer) => Message.of({ topic: 'a', payload, qos: 0, retain: false })

it('a payload that fits is whole, as text if it is one', () => {
  expect(payloadOf(message(Buffer.from('é')), 2)).toEqual({ base64: 'w6k=', text: 'é', bytes: 2 })
  expect(payloadOf(message(Buffer.from([0xff])), 2)).toEqual({ base64: '/w==', bytes: 1 })
})

it.each([
  ['a😀', 4, 'a'],
  ['a€', 3, 'a'],
  ['aé', 2, 'a'],
  ['abc', 2, 'ab'],
])('of %j the first %i bytes are the text %j', (text, maximum, expected) => {
  expect(payloadOf(message(Buffer.from(text)), maximum)).toMatchObject({ text: expected, isCut: true })
})

it('the start of binary data is no text', () => {
  const payload = payloadOf(message(Buffer.from([0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0xfa])), 5)
  expect(payload).toEqual({ base64: '//79/Ps=', bytes: 6, isCut: true })
})
