import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { identityAttributes } from '../kinds/identity.ts'
import { readAccessClaims } from './access-claims.ts'
import { parseAcl } from './parse-acl.ts'

const rule = { permission: 'allow', action: 'publish', topic: 'a/#' }

describe('the rights of a client', () => {
  it('are nothing when nothing is said', () => {
    expect(readAccessClaims({})).toEqual({})
    const nothing = { isSuperuser: null, groups: null, clientAttributes: null, acl: null }
    expect(readAccessClaims(nothing)).toEqual({})
    expect(readAccessClaims({ isSuperuser: false, groups: [], clientAttributes: {} })).toEqual({})
  })

  it('are no rules at all when the list is empty: it allows nothing', () => {
    expect(readAccessClaims({ acl: [] })).toEqual({ rules: [] })
  })

  it.each([
    [{ isSuperuser: 'true' }],
    [{ isSuperuser: 1 }],
    [{ groups: {} }],
    [{ groups: [''] }],
    [{ groups: [7] }],
    [{ groups: Array(101).fill('a') }],
    [{ clientAttributes: [] }],
    [{ clientAttributes: 'a' }],
    [{ clientAttributes: { a: null } }],
    [{ clientAttributes: { 'a}': 'b' } }],
    [{ clientAttributes: { '': 'b' } }],
    [{ clientAttributes: JSON.parse('{"__proto__":"b"}') }],
    [{ clientAttributes: { a: 'x'.repeat(1_025) } }],
    [{ acl: true }],
    [{ acl: 'a' }],
  ])('that cannot be understood are no rights: %j', (claims) => {
    expect(readAccessClaims(claims)).toBeTypeOf('string')
  })

  it('are valid attributes, or none, whatever is said', () => {
    const claims = fc.record({
      isSuperuser: fc.anything(),
      groups: fc.oneof(fc.array(fc.string()), fc.anything()),
      clientAttributes: fc.oneof(fc.dictionary(fc.string(), fc.string()), fc.anything()),
      acl: fc.oneof(fc.array(fc.record({ permission: fc.constant('allow'), topic: fc.string() })), fc.anything()),
    })
    fc.assert(
      fc.property(claims, (each) => {
        const read = readAccessClaims(each)
        if (typeof read !== 'string') expect(identityAttributes.safeParse(read).success).toBe(true)
      }),
    )
  })
})

describe("a rule in EMQX's form", () => {
  it.each([
    [rule, { action: 'publish', filter: 'a/#', allow: true }],
    [
      { permission: 'deny', topic: 'a' },
      { action: 'all', filter: 'a', allow: false },
    ],
    [
      { ...rule, action: 'subscribe', qos: 1 },
      { action: 'subscribe', filter: 'a/#', allow: true, qos: [1] },
    ],
    [
      { ...rule, qos: ['0', 2], retain: 'false' },
      { action: 'publish', filter: 'a/#', allow: true, qos: [0, 2], retain: false },
    ],
    [
      { ...rule, qos: '0, 1', retain: 1 },
      { action: 'publish', filter: 'a/#', allow: true, qos: [0, 1], retain: true },
    ],
    [
      { ...rule, retain: 'all' },
      { action: 'publish', filter: 'a/#', allow: true },
    ],
    [
      { ...rule, topic: `u/$\{username}/c-$\{clientid}/$\{client_attrs.site}/+` },
      { action: 'publish', filter: 'u/%u/c-%c/%{site}/+', allow: true },
    ],
    [
      { ...rule, topic: 'eq a/b' },
      { action: 'publish', filter: 'a/b', allow: true },
    ],
    [
      { ...rule, action: 'all', topic: 'eq a/#' },
      { action: 'subscribe', filter: 'a/#', allow: true },
    ],
  ])('becomes one of ours: %j', (emqx, ours) => expect(parseAcl([emqx])).toEqual([ours]))

  it('that can never match is left out', () => {
    expect(parseAcl([{ ...rule, topic: 'eq a/#' }])).toEqual([])
  })

  it.each([
    [{ ...rule, permission: 'Allow' }],
    [{ action: 'publish', topic: 'a' }],
    [{ ...rule, action: 'receive' }],
    [{ ...rule, action: ['publish'] }],
    [{ ...rule, action: 'toString' }],
    [{ ...rule, topic: undefined }],
    [{ ...rule, topic: '' }],
    [{ ...rule, topic: 'eq ' }],
    [{ ...rule, topic: 'a#' }],
    [{ ...rule, topic: '#/a' }],
    [{ ...rule, topic: '$share/g/a' }],
    [{ ...rule, topic: 'a\0' }],
    [{ ...rule, topic: '\ud800' }],
    [{ ...rule, topic: 'x'.repeat(65_536) }],
    [{ ...rule, topic: `$\{nonsense}/a` }],
    [{ ...rule, qos: 3 }],
    [{ ...rule, qos: [] }],
    [{ ...rule, qos: true }],
    [{ ...rule, retain: 2 }],
    [{ ...rule, ipaddr: '127.0.0.1' }],
    [{ permission: 'deny', action: 'subscribe', topic: 'eq #' }],
    [null],
    ['a'],
    [[rule]],
  ])('that cannot be understood makes the whole list wrong: %j', (emqx) => {
    expect(parseAcl([rule, emqx])).toMatch(/^rule 2: ./)
  })

  it('is one of 1,000 at most', () => {
    expect(parseAcl(Array(1_000).fill(rule))).toHaveLength(1_000)
    expect(parseAcl(Array(1_001).fill(rule))).toBeTypeOf('string')
  })

  it('of the older form allows what it lists, and nothing else', () => {
    expect(parseAcl({ pub: ['a'], sub: ['b/#'], all: [`c/$\{clientid}`] })).toEqual([
      { action: 'publish', filter: 'a', allow: true },
      { action: 'subscribe', filter: 'b/#', allow: true },
      { action: 'all', filter: 'c/%c', allow: true },
      { action: 'all', filter: '#', allow: false },
      { action: 'all', filter: '$SYS/#', allow: false },
    ])
    for (const wrong of [{ pub: 'a' }, { publish: ['a'] }, { pub: [7] }]) expect(parseAcl(wrong)).toBeTypeOf('string')
  })
})
