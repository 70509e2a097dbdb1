import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readPlace, writePlace } from './location.ts'

test.each([
  ['', { page: 'overview', item: undefined, settings: {} }],
  ['#/', { page: 'overview', item: undefined, settings: {} }],
  ['#/clients', { page: 'clients', item: undefined, settings: {} }],
  ['#/clients?q=a%2Fb&sort=id', { page: 'clients', item: undefined, settings: { q: 'a/b', sort: 'id' } }],
  ['#/clients/a%2Fb%3F?x=1', { page: 'clients', item: 'a/b?', settings: { x: '1' } }],
  ['#/clients/', { page: 'clients', item: undefined, settings: {} }],
  ['#/clients/100%', { page: 'clients', item: '100%', settings: {} }],
])('%j is %j', (hash, place) => expect(readPlace(hash)).toEqual(place))

test('settings that are empty are left out', () => {
  expect(writePlace('clients', undefined, { q: '', user: undefined, sort: 'id' })).toBe('#/clients?sort=id')
})

test('any Client Identifier and any setting is read back as it was written', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1 })
  fc.assert(
    fc.property(text, text, (item, value) => {
      expect(readPlace(writePlace('clients', item, { q: value }))).toEqual({
        page: 'clients',
        item,
        settings: { q: value },
      })
    }),
  )
})
