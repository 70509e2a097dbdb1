import { expect, it } from 'vitest'
import { namedClient } from './named-client.ts'

const body = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')

it.each([
  ['MQTT 3.1', '0006 4d5149736470 03 02 000a 0001 70', 'p'],
  ['MQTT 3.1.1 with the reserved flag set', '0004 4d515454 04 03 0000 0001 61', 'a'],
  ['MQTT 5', '0004 4d515454 05 02 0000 05 1100000001 0001 61', 'a'],
  ['MQTT 5, cut off behind the identifier', '0004 4d515454 05 c2 0000 00 0003 616263 00', 'abc'],
  ['a mosquitto bridge', '0004 4d515454 84 02 0000 0001 61', 'a'],
])('finds the identifier of %s', (_, hex, identifier) => {
  expect(namedClient(body(hex), 0)).toBe(identifier)
  expect(namedClient(Buffer.concat([Buffer.alloc(9, 0xff), body(hex)]), 9)).toBe(identifier)
})

it.each([
  ['no bytes', ''],
  ['another protocol', '0004 4e515454 04 02 0000 0001 61'],
  ['an empty identifier', '0004 4d515454 04 02 0000 0000'],
  ['an identifier that is cut off', '0004 4d515454 04 02 0000 0002 61'],
  ['an identifier that is not UTF-8', '0004 4d515454 04 02 0000 0001 ff'],
  ['a packet that ends with its level', '0004 4d515454 04'],
  ['Properties of an illegal length', '0004 4d515454 05 02 0000 ffffffffff 0001 61'],
  ['Properties that are cut off', '0004 4d515454 05 02 0000 7f 1100'],
])('finds none in %s', (_, hex) => {
  expect(namedClient(body(hex), 0)).toBeUndefined()
})
