import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AccessRules } from '../../src/access/access-rules.ts'
import type { Identity } from '../../src/kinds/authorizer.ts'
import { UNKNOWN_PEER } from '../../src/kinds/peer.ts'
import { covers } from '../../src/mqtt/topic-filter-sets.ts'
import { checkConfig } from '../../src/system/check-config.ts'
import { defineSystem } from '../../src/system/define-system.ts'
import { authorizerContract } from '../../test/contract/authorizer.ts'
import { topicRules } from './index.ts'
import type { Rule, TopicRulesConfig } from './rule.ts'

/** `publish allow a/# user=ann`: a rule in one line. */
const rule = (text: string): Rule => {
  const [action, verdict, filter, ...limits] = text.split(' ')
  const { anonymous, ...limit } = Object.fromEntries(limits.map((each) => each.split('=')))
  const limited = anonymous === undefined ? limit : { ...limit, anonymous: anonymous === 'true' }
  return { action, allow: verdict === 'allow', filter, ...limited } as Rule
}
const authorizer = (otherwise: 'allow' | 'deny' | 'pass', ...rules: string[]) =>
  new AccessRules(rules.map(rule), { otherwise })
const who = (clientId: string, userName?: string): Identity => ({ clientId, userName, peer: UNKNOWN_PEER })
const publishes = (rules: AccessRules, identity: Identity, topic: string) =>
  rules.mayPublish(identity, topic, 0, false) === 'allow'
const subscribes = (rules: AccessRules, identity: Identity, filter: string) =>
  rules.maySubscribe(identity, filter, 0) === 'allow'
const receives = (rules: AccessRules, identity: Identity, topic: string) =>
  rules.mayReceive(identity, topic) === 'allow'

authorizerContract('topicRules', () => authorizer('deny', 'all deny denied/#', 'all allow allowed/#'))
authorizerContract('topicRules of one user', () => authorizer('deny', 'all allow allowed/# user=user client=known'))
authorizerContract('topicRules without rules on receiving', () =>
  authorizer('deny', 'publish allow allowed/#', 'subscribe allow allowed/#'),
)

describe('the order of rules', () => {
  it('the first matching rule decides', () => {
    const rules = authorizer('deny', 'publish deny a/b', 'publish allow a/+', 'publish deny #')
    expect(['a/b', 'a/c', 'a/b/c'].map((topic) => publishes(rules, who('x'), topic))).toEqual([false, true, false])
  })

  it('leaves the rest to the default, also without any rules', () => {
    for (const otherwise of ['allow', 'deny'] as const) {
      const rules = authorizer(otherwise)
      expect(publishes(rules, who('x'), 'a')).toBe(otherwise === 'allow')
      expect(subscribes(rules, who('x'), '#')).toBe(otherwise === 'allow')
      expect(receives(rules, who('x'), 'a')).toBe(otherwise === 'allow')
    }
  })

  it('applies rules only to their own action', () => {
    const rules = authorizer('deny', 'publish allow p', 'subscribe allow s', 'receive allow r', 'all allow a')
    for (const [topic, expected] of [
      ['p', [true, false, false]],
      ['s', [false, true, true]],
      ['r', [false, false, true]],
      ['a', [true, true, true]],
    ] as const) {
      expect([
        publishes(rules, who('x'), topic),
        subscribes(rules, who('x'), topic),
        receives(rules, who('x'), topic),
      ]).toEqual(expected)
    }
  })

  it('keeps a wildcard away from topics with $, which need rules of their own', () => {
    const rules = authorizer('deny', 'all allow #')
    expect(publishes(rules, who('x'), '$SYS/a')).toBe(false)
    expect(subscribes(rules, who('x'), '$SYS/#')).toBe(false)
    expect(subscribes(rules, who('x'), '#')).toBe(true)
  })
})

describe('a rule for a user or client', () => {
  it('is ignored for all other clients', () => {
    const rules = authorizer(
      'deny',
      'publish allow a user=ann',
      'publish allow b client=c1',
      'publish allow c user=ann client=c1',
    )
    const topics = (identity: Identity) => ['a', 'b', 'c'].filter((topic) => publishes(rules, identity, topic))
    expect(topics(who('c1', 'ann'))).toEqual(['a', 'b', 'c'])
    expect(topics(who('c2', 'ann'))).toEqual(['a'])
    expect(topics(who('c1'))).toEqual(['b'])
    expect(topics(who('ann', 'c1'))).toEqual([])
  })

  it('names clients without a user name, and those with any', () => {
    const rules = authorizer(
      'deny',
      'publish allow a anonymous=true',
      'publish allow b anonymous=false',
      'publish allow c anonymous=true client=c1',
      'publish allow d',
    )
    const topics = (identity: Identity) => ['a', 'b', 'c', 'd'].filter((topic) => publishes(rules, identity, topic))
    expect(topics(who('c1'))).toEqual(['a', 'c', 'd'])
    expect(topics(who('c2'))).toEqual(['a', 'd'])
    expect(topics(who('c1', ''))).toEqual(['a', 'c', 'd'])
    expect(topics(who('c1', 'ann'))).toEqual(['b', 'd'])
  })

  it('denies actions only to clients without a user name', () => {
    const rules = authorizer('allow', 'all deny # anonymous=true')
    for (const [identity, allowed] of [
      [who('c'), false],
      [who('c', 'ann'), true],
    ] as const) {
      expect(publishes(rules, identity, 'a')).toBe(allowed)
      expect(subscribes(rules, identity, 'a')).toBe(allowed)
      expect(receives(rules, identity, 'a')).toBe(allowed)
    }
  })

  it('follows an identity that changes', () => {
    const rules = authorizer('deny', 'publish allow %u/a')
    const identity = { clientId: 'c', userName: 'ann', peer: UNKNOWN_PEER }
    expect(publishes(rules, identity, 'ann/a')).toBe(true)
    identity.userName = 'bob'
    expect(publishes(rules, identity, 'ann/a')).toBe(false)
    expect(publishes(rules, identity, 'bob/a')).toBe(true)
  })
})

describe('placeholders', () => {
  const rules = authorizer('deny', 'all allow clients/%c/#', 'all allow users/u-%u/#', 'all allow %u/x')

  it('stand for the names of the client, also in a part of a level', () => {
    expect(publishes(rules, who('c1', 'ann'), 'clients/c1/a')).toBe(true)
    expect(publishes(rules, who('c1', 'ann'), 'users/u-ann/a')).toBe(true)
    expect(publishes(rules, who('c1', 'ann'), 'clients/c2/a')).toBe(false)
    expect(publishes(rules, who('c1', 'ann'), 'users/u-/a')).toBe(false)
    expect(subscribes(rules, who('c1', 'ann'), 'clients/+/a')).toBe(false)
    expect(subscribes(rules, who('c1', 'ann'), 'clients/c1/+')).toBe(true)
  })

  it.each(['+', '#', '/', 'a/b', 'a+', '#a', 'c2/', '/c2', 'c2/#'])('give %j no right', (name) => {
    for (const identity of [who(name, name), who(name)]) {
      for (const topic of [`clients/${name}/a`, 'clients/c2/a', 'clients/a/b', 'users/u-a/b', 'users/u-c2/a', 'c2/x']) {
        expect(publishes(rules, identity, topic)).toBe(false)
        expect(subscribes(rules, identity, topic)).toBe(false)
        expect(receives(rules, identity, topic)).toBe(false)
      }
      expect(subscribes(rules, identity, 'clients/#')).toBe(false)
    }
  })

  it('do not reach topics of the server by a name with $', () => {
    const own = authorizer('deny', 'all allow %c/#', 'all allow home/%c')
    expect(publishes(own, who('$SYS'), '$SYS/a')).toBe(false)
    expect(subscribes(own, who('$SYS'), '$SYS/#')).toBe(false)
    expect(publishes(own, who('$SYS'), 'home/$SYS')).toBe(true)
  })

  it('are not looked for within the names', () => {
    const own = authorizer('deny', 'publish allow a/%c', 'publish allow b/%u')
    expect(publishes(own, who('%u', 'ann'), 'a/ann')).toBe(false)
    expect(publishes(own, who('%u', 'ann'), 'a/%u')).toBe(true)
    expect(publishes(own, who('c', '%c'), 'b/c')).toBe(false)
  })

  it('match nothing for a client with an empty or no user name', () => {
    for (const identity of [who('c'), who('c', '')]) {
      for (const topic of ['users/u-/a', 'users/u-undefined/a', 'users/u-null/a', '/x', 'undefined/x']) {
        expect(publishes(rules, identity, topic)).toBe(false)
      }
      const denying = authorizer('allow', 'all deny users/%u/#')
      expect(subscribes(denying, identity, 'users/#')).toBe(true)
    }
  })

  it('are no way round a prohibition: a name that cannot stand there prohibits all it might have meant', () => {
    const denying = authorizer('allow', 'all deny devices/d-%c/commands')
    const first = authorizer('allow', 'all deny %c/commands')
    expect(publishes(denying, who('d1'), 'devices/d-d1/commands')).toBe(false)
    expect(publishes(denying, who('d1'), 'devices/d-d2/commands')).toBe(true)
    expect(subscribes(denying, who('d1'), 'devices/+/commands')).toBe(false)
    for (const identity of [who('+'), who('a/b'), who('#')]) {
      expect(publishes(denying, identity, 'devices/d-d2/commands')).toBe(false)
      expect(subscribes(denying, identity, 'devices/+/commands')).toBe(false)
      expect(publishes(denying, identity, 'other')).toBe(true)
      for (const topic of ['other', '$SYS/commands']) expect(publishes(first, identity, topic)).toBe(false)
    }
    expect(publishes(first, who('$SYS'), '$SYS/commands')).toBe(false)
  })
})

describe('subscribing', () => {
  it('is denied if the filter overlaps a denied filter, and allowed within an allowed filter', () => {
    const rules = authorizer('deny', 'subscribe deny a/secret/#', 'subscribe allow a/#')
    const granted = ['a/x', 'a/x/+', 'a/x/#', 'a/+/+', 'a/+', 'a/secret', 'a/#', '#', '+/x', 'a'].filter((filter) =>
      subscribes(rules, who('x'), filter),
    )
    expect(granted).toEqual(['a/x', 'a/x/+', 'a/x/#', 'a'])
  })

  it('allows an exception that stands before the prohibition', () => {
    const rules = authorizer('allow', 'subscribe allow a/secret/open', 'subscribe deny a/secret/#')
    expect(subscribes(rules, who('x'), 'a/secret/open')).toBe(true)
    expect(subscribes(rules, who('x'), 'a/secret/+')).toBe(false)
  })

  const filters = fc
    .array(fc.constantFrom('+', 'a', 'b', ''), { minLength: 1, maxLength: 3 })
    .chain((levels) => fc.constantFrom(levels, [...levels, '#'], ['#']))
    .map((levels) => levels.join('/'))
    .filter((filter) => filter !== '')
  const configs = fc.record<TopicRulesConfig>({
    rules: fc.array(fc.record({ action: fc.constantFrom('subscribe', 'all'), filter: filters, allow: fc.boolean() }), {
      maxLength: 5,
    }),
    default: fc.constantFrom('allow', 'deny'),
  })

  it('grants no filter that matches a topic which is denied by itself', () => {
    fc.assert(
      fc.property(configs, filters, filters, (config, filter, other) => {
        const rules = new AccessRules(config.rules, { otherwise: config.default })
        const topic = other.replaceAll('+', 'a').replace('#', 'b')
        fc.pre(covers(filter, topic) && subscribes(rules, who('x'), filter))
        expect(subscribes(rules, who('x'), topic)).toBe(true)
        expect(receives(rules, who('x'), topic)).toBe(true)
      }),
    )
  })
})

describe('receiving', () => {
  it('follows the rules for subscribing if no rule for receiving matches', () => {
    const rules = authorizer('deny', 'subscribe allow #', 'receive deny secret/#')
    expect(receives(rules, who('x'), 'a')).toBe(true)
    expect(receives(rules, who('x'), 'secret/a')).toBe(false)
    expect(receives(authorizer('deny', 'receive deny a'), who('x'), 'b')).toBe(false)
  })

  it.each([
    [['subscribe allow a', 'all deny #'], true],
    [['subscribe deny a', 'all allow #'], false],
    [['all allow a', 'receive deny #'], true],
    [['subscribe allow a', 'all allow a', 'receive deny #'], true],
    [['subscribe deny a', 'all allow a', 'receive allow #'], false],
    [['subscribe deny a', 'receive allow a', 'all deny #'], true],
  ])('of a by %j: %j', (rules, expected) => {
    expect(receives(authorizer('deny', ...rules), who('x'), 'a')).toBe(expected)
  })
})

describe('the config', () => {
  const problems = (config: unknown) =>
    checkConfig(
      defineSystem({ topicRules: { component: topicRules, config: config as TopicRulesConfig } }),
    ).problems.map(({ path, message }) => `${path.slice(2).join('.')}: ${message}`)
  const one = (over: object) => ({ rules: [{ action: 'all', filter: 'a', allow: true, ...over }], default: 'deny' })

  it('accepts rules as documented', () => {
    expect(problems(one({ filter: 'a/%c/d-%u/+/#', user: 'ann', client: 'c' }))).toEqual([])
    expect(problems(one({ anonymous: true, client: 'c' }))).toEqual([])
    expect(problems(one({ anonymous: false, filter: '%u/#', user: 'ann' }))).toEqual([])
    expect(problems({ rules: [], default: 'deny' })).toEqual([])
    expect(problems(one({ group: 'g', qos: [0, 1], filter: 'a/%{plant}' }))).toEqual([])
    expect(problems(one({ action: 'publish', retain: false }))).toEqual([])
    expect(topicRules.config.parse({ rules: [] })).toEqual({ rules: [], default: 'deny' })
    expect(topicRules.describe?.({ rules: [], default: 'deny' })).toBe('0 rules, else deny')
  })

  it.each([
    [{ default: 'allow' }, 'rules: '],
    [{ rules: [], default: 'maybe' }, 'default: '],
    [one({ anonymous: 'yes' }), 'rules.0.anonymous: '],
    [one({ anonymous: true, user: 'ann' }), 'rules.0.anonymous: a client without a user name has none'],
    [one({ anonymous: true, filter: 'a/%u' }), 'rules.0.anonymous: a client without a user name has none'],
    [one({ filter: '' }), 'rules.0.filter: The Topic Filter is empty.'],
    [one({ filter: 'a#' }), 'rules.0.filter: A "#" is not alone in the last level of the Topic Filter.'],
    [one({ filter: '$share/g/a' }), 'rules.0.filter: a rule is about topics: leave $share/{ShareName}/ out'],
    [one({ filter: 'a/%{' }), "rules.0.filter: a value has the form %{name}: '%{'"],
    [one({ action: 'receive', qos: [1] }), 'rules.0.qos: a rule on receiving has no QoS'],
    [one({ qos: [] }), 'rules.0.qos: '],
    [one({ retain: true }), 'rules.0.retain: only a rule on publishing has a RETAIN flag'],
    [one({ group: '' }), 'rules.0.group: '],
    [one({ filter: 'a/%u-%c' }), "rules.0.filter: a level may hold one placeholder: '%u-%c' has several"],
    [one({ action: 'read' }), 'rules.0.action: '],
    [one({ allow: 'yes' }), 'rules.0.allow: '],
    [one({ user: '' }), 'rules.0.user: '],
    [one({ users: 'ann' }), "rules.0.users: there is no 'users' here"],
  ])('refuses %j', (config, expected) => {
    expect(problems(config).filter((problem) => problem.startsWith(expected))).toHaveLength(1)
  })
})
