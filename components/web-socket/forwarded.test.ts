import { expect, it } from 'vitest'
import { AddressList } from '../../src/network/address-list.ts'
import { forwardedAddress } from './forwarded.ts'

const trusted = new AddressList(['10.0.0.0/8', 'fd00::/8'])

it.each([
  ['192.0.2.7', '192.0.2.7'],
  // What stands before the last address that is not ours was written by the client.
  ['203.0.113.9, 192.0.2.7', '192.0.2.7'],
  ['203.0.113.9,192.0.2.7, 10.0.0.1,fd00::1', '192.0.2.7'],
  ['nonsense, 192.0.2.7, 10.0.0.1', '192.0.2.7'],
  ['10.0.0.2, 10.0.0.1', '10.0.0.2'],
  ['192.0.2.7:5123', '192.0.2.7'],
  ['[2001:db8::7]:5123', '2001:db8::7'],
  ['[2001:db8::7]', '2001:db8::7'],
  ['2001:db8::7', '2001:db8::7'],
  ['', undefined],
  ['unknown', undefined],
  ['192.0.2.7, unknown, 10.0.0.1', undefined],
  ['192.0.2.7, ', undefined],
  ['_hidden, 10.0.0.1', undefined],
  ['192.0.2.7:x', undefined],
])('X-Forwarded-For: %s is from %s', (header, address) => {
  expect(forwardedAddress(header, trusted)).toBe(address)
})
