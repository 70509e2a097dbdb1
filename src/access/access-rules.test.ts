import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { runs } from '../../test/helpers/full-run.ts'
import type { Identity } from '../kinds/authorizer.ts'
import { UNKNOWN_PEER } from '../kinds/peer.ts'
import { covers, overlaps } from '../mqtt/topic-filter-sets.ts'
import type { AccessRule } from './access-rule.ts'
import { AccessRules } from './access-rules.ts'

const who = (clientId: string, userName?: string, groups?: string[], values?: Record<string, string>): Identity => ({
  ...{ clientId, userName, peer: UNKNOWN_PEER },
  attributes: { groups, values },
})
const allow = (filter: string, more: Partial<AccessRule> = {}): AccessRule => ({
  ...{ action: 'all', filter, allow: true },
  ...more,
})
const deny = (filter: string, more: Partial<AccessRule> = {}): AccessRule => ({ ...allow(filter, more), allow: false })

const levels = fc.constantFrom('a', 'b', 'c', '', '$s')
const topics = fc.array(levels, { minLength: 1, maxLength: 4 }).map((each) => each.join('/'))
const filters = fc
  .array(fc.oneof(levels, fc.constantFrom('+', '%c', '%u')), { minLength: 1, maxLength: 4 })
  .chain((each) => fc.constantFrom(each, [...each, '#'], ['#']))
  .map((each) => each.join('/'))
  .filter((each) => each !== '')
const plainFilters = filters.filter((each) => !each.includes('%'))
const rules = fc.array(
  fc.record<AccessRule>({
    action: fc.constantFrom('publish', 'subscribe', 'receive', 'all'),
    filter: filters,
    allow: fc.boolean(),
    user: fc.constantFrom(undefined, undefined, 'a', 'b'),
    client: fc.constantFrom(undefined, undefined, 'c'),
    group: fc.constantFrom(undefined, undefined, 'g', 'h'),
    anonymous: fc.constantFrom(undefined, undefined, true, false),
    qos: fc.constantFrom(undefined, undefined, [0 as const], [1 as const, 2 as const]),
  }),
  { maxLength: 8 },
)
const identities = fc
  .tuple(fc.constantFrom('c', 'b', 'x'), fc.constantFrom(undefined, 'a', 'b'), fc.subarray(['g', 'h']))
  .map(([clientId, userName, groups]) => who(clientId, userName, groups))

/** The same, rule by rule. The names of these identities can stand in every filter. */
const model = (list: readonly AccessRule[], identity: Identity) => {
  const about = list.flatMap((rule) => {
    const { userName, clientId, attributes } = identity
    if (rule.user !== undefined && rule.user !== userName) return []
    if (rule.client !== undefined && rule.client !== clientId) return []
    if (rule.group !== undefined && !attributes!.groups!.includes(rule.group)) return []
    if (rule.anonymous !== undefined && rule.anonymous !== (userName === undefined)) return []
    if (userName === undefined && rule.filter.includes('%u')) return []
    return [{ ...rule, filter: rule.filter.replaceAll('%c', clientId).replaceAll('%u', userName ?? '') }]
  })
  const first = (action: string, matches: (rule: AccessRule) => boolean) =>
    about.find((rule) => (rule.action === action || rule.action === 'all') && matches(rule))
  const said = (rule: AccessRule | undefined) => (rule === undefined ? 'pass' : rule.allow ? 'allow' : 'deny')
  const hasQoS = (rule: AccessRule, qos: 0 | 1 | 2) => rule.qos === undefined || rule.qos.includes(qos)
  return {
    mayPublish: (topic: string, qos: 0 | 1 | 2) =>
      said(first('publish', (rule) => covers(rule.filter, topic) && hasQoS(rule, qos))),
    maySubscribe: (filter: string, qos: 0 | 1 | 2, match: 'whole' | 'partial') =>
      said(
        first(
          'subscribe',
          (rule) =>
            (rule.allow === (match === 'whole') ? covers(rule.filter, filter) : overlaps(rule.filter, filter)) &&
            hasQoS(rule, qos),
        ),
      ),
    mayReceive: (topic: string) => {
      const decisive = first('receive', (rule) => covers(rule.filter, topic) && (rule.allow || rule.qos === undefined))
      if (decisive?.action === 'receive') return said(decisive)
      return said(first('subscribe', (rule) => covers(rule.filter, topic) && (rule.allow || rule.qos === undefined)))
    },
  }
}

describe('access rules', () => {
  it('answer as the list does that is read rule by rule', () => {
    fc.assert(
      fc.property(
        rules,
        identities,
        fc.array(topics, { minLength: 1, maxLength: 3 }),
        plainFilters,
        fc.constantFrom<'whole' | 'partial'>('whole', 'partial'),
        fc.constantFrom<0 | 1 | 2>(0, 1, 2),
        (list, identity, asked, filter, match, qos) => {
          const access = new AccessRules(list, { match })
          const expected = model(list, identity)
          expect(access.maySubscribe(identity, filter, qos)).toBe(expected.maySubscribe(filter, qos, match))
          // Again, for the answers that are kept.
          for (const topic of [...asked, ...asked]) {
            expect(access.mayPublish(identity, topic, qos, false)).toBe(expected.mayPublish(topic, qos))
            expect(access.mayReceive(identity, topic)).toBe(expected.mayReceive(topic))
          }
        },
      ),
      { numRuns: runs(1_000) },
    )
  })

  it('hold for groups and values of the identity', () => {
    const access = new AccessRules([allow('plants/%{plant}/#', { group: 'operators' })])
    const may = (identity: Identity, topic: string) => access.mayPublish(identity, topic, 0, false)
    expect(may(who('c', 'ann', ['guests', 'operators'], { plant: 'north' }), 'plants/north/a')).toBe('allow')
    expect(may(who('c', 'ann', ['guests', 'operators'], { plant: 'north' }), 'plants/south/a')).toBe('pass')
    expect(may(who('c', 'ann', ['guests'], { plant: 'north' }), 'plants/north/a')).toBe('pass')
    expect(may(who('c', 'ann', ['operators']), 'plants/north/a')).toBe('pass')
    expect(may({ clientId: 'c', userName: 'ann', peer: UNKNOWN_PEER }, 'plants/north/a')).toBe('pass')
    for (const plant of ['+', '#', 'north/a', '__proto__', '']) {
      expect(may(who('c', 'ann', ['operators'], { plant }), 'plants/north/a')).toBe('pass')
      expect(access.maySubscribe(who('c', 'ann', ['operators'], { plant }), 'plants/+/a', 0)).toBe('pass')
    }
    const inherited = new AccessRules([allow('%{constructor}/a'), allow('%{toString}/a')])
    expect(inherited.maySubscribe(who('c', 'ann', [], {}), '+/a', 0)).toBe('pass')
  })

  it('deny everything that a rule could match when a name is not allowed in it', () => {
    const access = new AccessRules([deny('a/%{plant}/x'), deny('%c/y'), allow('#'), allow('$SYS/#')])
    const may = (identity: Identity, topic: string) => access.mayPublish(identity, topic, 0, false)
    expect(may(who('c', 'ann', [], { plant: 'n' }), 'a/m/x')).toBe('allow')
    expect(may(who('c', 'ann', [], { plant: '+' }), 'a/m/x')).toBe('deny')
    expect(may(who('c', 'ann', [], { plant: '+' }), 'b')).toBe('allow')
    expect(may(who('c/d'), 'b')).toBe('deny')
    expect(may(who('c/d'), '$SYS/a')).toBe('deny')
    expect(access.maySubscribe(who('c/d'), 'b', 0)).toBe('deny')
  })

  it('allow nothing and deny everything with a filter that is not valid', () => {
    const bad = 'a/#/b'
    expect(new AccessRules([allow(bad)]).mayPublish(who('c'), 'a', 0, false)).toBe('pass')
    for (const topic of ['a', '$SYS/x']) {
      expect(new AccessRules([deny(bad), allow('#')]).mayPublish(who('c'), topic, 0, false)).toBe('deny')
      expect(new AccessRules([deny(bad), allow('#')]).maySubscribe(who('c'), topic, 0)).toBe('deny')
    }
    const deep = `${'a/'.repeat(60_000)}a`
    expect(new AccessRules([allow(deep)]).mayPublish(who('c'), deep, 0, false)).toBe('pass')
  })

  it('take QoS and RETAIN into account, also directly after another answer on the topic', () => {
    const access = new AccessRules([deny('a', { action: 'publish', retain: true }), allow('a', { qos: [0, 1] })])
    const answers = ([0, 1, 2] as const).flatMap((qos) =>
      [false, true].map((retain) => access.mayPublish(who('c'), 'a', qos, retain)),
    )
    expect(answers).toEqual(['allow', 'deny', 'allow', 'deny', 'pass', 'deny'])
    expect([access.maySubscribe(who('c'), 'a', 1), access.maySubscribe(who('c'), 'a', 2)]).toEqual(['allow', 'pass'])
    expect(access.mayReceive(who('c'), 'a')).toBe('allow')
  })

  it('forget what they answered when they are replaced, for every identity', () => {
    const access = new AccessRules([allow('%c/a'), allow('%c/b')])
    const identity = who('c')
    for (const topic of ['c/a', 'c/b', 'c/a']) expect(access.mayPublish(identity, topic, 0, false)).toBe('allow')
    expect(access.mayReceive(identity, 'c/b')).toBe('allow')
    access.replace([deny('%c/a'), deny('c/b')])
    for (const topic of ['c/a', 'c/b', 'c/a']) expect(access.mayPublish(identity, topic, 0, false)).toBe('deny')
    expect(access.mayReceive(identity, 'c/b')).toBe('deny')
  })
})

describe('the work of a question', () => {
  /** Nodes that are looked at. */
  const worked = (access: AccessRules, ask: () => unknown): number => {
    const before = access.visited
    ask()
    return access.visited - before
  }

  it.each([
    ['of topics', (n: number) => allow(`site/${n}/value`)],
    ['with wildcards', (n: number) => allow(`site/${n}/+/#`)],
    ['of other users', (n: number) => allow('#', { user: `user ${n}` })],
    ['of other clients', (n: number) => allow('#', { client: `client ${n}` })],
    ['of other groups', (n: number) => allow('#', { group: `group ${n}` })],
  ])('does not grow with the number of rules %s', (_what, ruleOf) => {
    const list = Array.from({ length: 1_000 }, (_, n) => ruleOf(n))
    const access = new AccessRules([...list, allow('own/%u/#')])
    const identity = who('client 999', 'user 999', ['group 999'])
    for (const topic of ['site/999/value', 'own/user 999/a', 'elsewhere']) {
      expect(worked(access, () => access.mayPublish(identity, topic, 0, false))).toBeLessThan(12)
      expect(worked(access, () => access.mayReceive(identity, topic))).toBeLessThan(12)
      expect(worked(access, () => access.maySubscribe(identity, topic, 0))).toBeLessThan(12)
    }
  })

  it('is done once for topics that come in turn, from any client', () => {
    const access = new AccessRules([allow('%c/#')])
    const clients = Array.from({ length: 100 }, (_, n) => who(`client ${n}`))
    const ask = () => {
      for (const identity of clients) {
        for (const name of 'abcdefgh') access.mayPublish(identity, `${identity.clientId}/${name}`, 0, false)
      }
    }
    ask()
    // A few share a place in the cache.
    expect(worked(access, ask)).toBeLessThan(200)
  })

  it('is charged for a filter with wildcards, which may lead through all rules', () => {
    const list = Array.from({ length: 1_000 }, (_, n) => deny(`a${n}/b/c`))
    const access = new AccessRules(list)
    expect(access.subscribeUnits(who('c'), 'a/b')).toBeLessThan(10)
    const units = access.subscribeUnits(who('c'), '+/+/x')
    const nodes = worked(access, () => access.maySubscribe(who('c'), '+/+/x', 0))
    expect(nodes).toBeGreaterThan(1_000)
    expect(units).toBeGreaterThan(nodes / 4)
  })
})
