import { expect, it } from 'vitest'
import { describePeer, UNKNOWN_PEER } from './peer.ts'

it.each([
  [{ address: '192.0.2.7', port: 5123, transport: 'tcp' }, '192.0.2.7:5123'],
  [{ address: '::1', port: 5123, transport: 'tls' }, '[::1]:5123'],
  [{ address: '', port: 0, transport: 'unix' }, 'unix:local'],
  [{ address: '', port: 0, transport: 'tcp' }, 'unknown'],
])('a peer is described as its address and port, or as what is known instead: %o', (peer, text) => {
  expect(describePeer({ ...peer, listener: 'local' })).toBe(text)
})

it('a peer of which nothing is known is described as that', () => {
  expect(describePeer(UNKNOWN_PEER)).toBe('unknown')
})
