import { expect, it } from 'vitest'
import { peerAt } from '../../test/helpers/peer-at.ts'
import { addressKey, sourceOf } from './address-key.ts'

it.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::ffff:c000:207', '192.0.2.7'],
  ['0:0:0:0:0:ffff:c000:0207', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0db8:0001:0002::ffff', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:db8:0:1::', '2001:db8:0:1::/64'],
  ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
  ['::1', '::1'],
  ['fe80::1%eth0', 'fe80::1%eth0'],
  ['', ''],
  ['what:is:this', 'what:is:this'],
])('%s is counted as %s', (address, key) => {
  expect(addressKey(address)).toBe(key)
})

it('the source of a client is its address as it is counted, and on a Unix socket its transport', () => {
  expect(sourceOf(peerAt('[2001:db8:1:2:3:4:5:6]:1'))).toBe('2001:db8:1:2::/64')
  expect(sourceOf({ address: '', port: 0, listener: 'local', transport: 'unix' })).toBe('unix')
})
