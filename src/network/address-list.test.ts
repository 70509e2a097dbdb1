import { describe, expect, it } from 'vitest'
import { AddressList, addressRange } from './address-list.ts'

describe('AddressList', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.8', false],
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['10.0.0.0/8', '::ffff:11.1.2.3', false],
    ['0.0.0.0/0', '203.0.113.1', true],
    ['fd00::/8', 'fd12::1', true],
    ['fd00::/8', 'fe80::1', false],
    ['::1', '::1', true],
    ['10.0.0.0/8', '', false],
    ['10.0.0.0/8', 'localhost', false],
  ])('%s: %s is in it: %s', (range, address, isIn) => {
    expect(new AddressList(['198.51.100.0/24', range]).has(address)).toBe(isIn)
  })

  it.each(['', '10.0.0.0/33', '::/129', '10.0.0', 'localhost', '10.0.0.0/', '10.0.0.0/-1', 'fe80::1%eth0'])(
    'the schema refuses %j',
    (range) => {
      expect(addressRange.safeParse(range).success).toBe(false)
      expect(() => new AddressList([range])).toThrow('not a range of addresses')
    },
  )
})
