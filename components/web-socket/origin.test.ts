import { expect, it } from 'vitest'
import { isOriginAllowed } from './origin.ts'

it.each([
  // No browser.
  [undefined, 'broker.example', undefined, false, true],
  [undefined, undefined, ['https://a.example'], false, true],
  // Without a list: the same host, if it is an address or localhost, or if TLS has verified its name.
  ['http://localhost', 'localhost:8083', undefined, false, true],
  ['http://localhost:3000', 'LOCALHOST:8083', undefined, false, true],
  ['https://192.0.2.7', '192.0.2.7', undefined, false, true],
  ['http://[::1]:3000', '[::1]:8083', undefined, false, true],
  ['http://127.0.0.1', 'localhost:8083', undefined, false, false],
  ['http://broker.example', 'broker.example', undefined, false, false],
  ['http://localhost.evil.example', 'localhost.evil.example', undefined, false, false],
  ['https://broker.example', 'broker.example:8084', undefined, true, true],
  ['https://other.example', 'broker.example:8084', undefined, true, false],
  ['null', '127.0.0.1', undefined, false, false],
  ['file://', '127.0.0.1', undefined, false, false],
  ['', '127.0.0.1', undefined, false, false],
  ['http://127.0.0.1', undefined, undefined, false, false],
  ['http://127.0.0.1', '', undefined, false, false],
  ['http://127.0.0.1', 'a b', undefined, false, false],
  // With a list: what it says.
  ['https://A.example', 'b.example', ['https://a.example'], false, true],
  ['https://a.example:444', 'b.example', ['https://a.example'], false, false],
  ['https://a.example.evil.example', 'b.example', ['https://a.example'], false, false],
  ['http://localhost', 'localhost', ['https://a.example'], false, false],
  ['http://anything', 'b.example', ['*'], false, true],
  ['null', 'b.example', ['null'], false, true],
])('origin %s, host %s, origins %j, with TLS %s: %s', (origin, host, origins, isSecure, isAllowed) => {
  expect(isOriginAllowed(origin, host, { origins, isSecure })).toBe(isAllowed)
})
