import { expect, it } from 'vitest'
import { alternativeNames, dnsNames } from './alternative-names.ts'

it.each([
  [undefined, []],
  ['', []],
  ['DNS:a.example', ['DNS:a.example']],
  ['DNS:a.example, URI:urn:device:7, IP Address:::1', ['DNS:a.example', 'URI:urn:device:7', 'IP Address:::1']],
  // Node quotes a value with special characters, so that it cannot pass for several names.
  ['DNS:"a.example, DNS:admin.example", DNS:b', ['DNS:a.example, DNS:admin.example', 'DNS:b']],
  ['URI:"x\\", DNS:admin"', ['URI:x", DNS:admin']],
])('%s', (text, names) => expect(alternativeNames(text)).toEqual(names))

it('finds the DNS names', () =>
  expect(dnsNames(['DNS:A.example', 'URI:b', 'DNS:*.c.example'])).toEqual(['a.example', '*.c.example']))
