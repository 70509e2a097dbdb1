import { expect, it } from 'vitest'
import { isLoopback } from './loopback.ts'

it.each(['127.0.0.1', '127.255.0.9', '::1', '::ffff:127.0.0.1'])('%s is of this machine alone', (address) => {
  expect(isLoopback(address)).toBe(true)
})

it.each(['0.0.0.0', '::', '192.0.2.7', '128.0.0.1', '2001:db8::1', '::ffff:192.0.2.7'])(
  '%s can be reached by others',
  (address) => {
    expect(isLoopback(address)).toBe(false)
  },
)
