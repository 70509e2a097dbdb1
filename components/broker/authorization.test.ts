import { describe, expect, it } from 'vitest'
import type { Authorizer, Decision, Identity } from '../../src/kinds/authorizer.ts'
import type { IdentityAttributes } from '../../src/kinds/identity.ts'
import { UNKNOWN_PEER } from '../../src/kinds/peer.ts'
import { Authorization } from './authorization.ts'

const who = (attributes?: IdentityAttributes): Identity => ({
  ...{ clientId: 'c', userName: 'ann', peer: UNKNOWN_PEER },
  ...(attributes && { attributes }),
})
const asked: string[] = []
/** An authorizer that says the same of everything. */
const saying = (
  decision: Decision,
  name: string = decision,
): Required<Omit<Authorizer, 'onChange' | 'subscribeUnits'>> => {
  const say = (): Decision => {
    asked.push(name)
    return decision
  }
  return { mayPublish: say, maySubscribe: say, mayReceive: say }
}
const answers = (authorization: Authorization, identity: Identity, topic = 'a') => {
  authorization.noteIdentity(identity)
  return [
    authorization.mayPublish(identity, topic, 0, false),
    authorization.maySubscribe(identity, topic, 0),
    authorization.mayReceive?.(identity, topic) ?? true,
  ]
}
const all = [true, true, true]
const none = [false, false, false]

describe('authorization', () => {
  it('allows everything without authorizers and rules, and asks no authorizer at a delivery', () => {
    const authorization = new Authorization([])
    expect(answers(authorization, who())).toEqual(all)
    expect(answers(authorization, who({ groups: ['g'] }))).toEqual(all)
    expect(authorization.mayReceive).toBeUndefined()
    expect(authorization.hasAuthorizers).toBe(false)
  })

  it.each<[readonly Decision[], boolean[]]>([
    [['allow'], all],
    [['deny'], none],
    [['pass'], none],
    [['pass', 'allow', 'deny'], all],
    [['pass', 'deny', 'allow'], none],
    [['pass', 'pass'], none],
  ])('of %j', (decisions, expected) => {
    expect(answers(new Authorization(decisions.map((each) => saying(each))), who())).toEqual(expected)
  })

  it('asks no further authorizer when one has decided', () => {
    asked.length = 0
    answers(new Authorization([saying('pass', '1'), saying('allow', '2'), saying('deny', '3')]), who())
    expect(asked).toEqual(['1', '2', '1', '2', '1', '2'])
  })

  it('lets a superuser do everything', () => {
    expect(answers(new Authorization([saying('deny')]), who({ isSuperuser: true }))).toEqual(all)
    expect(answers(new Authorization([saying('deny')]), who({ isSuperuser: false }))).toEqual(none)
    const denied = [{ action: 'all', filter: '#', allow: false }] as const
    expect(answers(new Authorization([]), who({ isSuperuser: true, rules: [...denied] }))).toEqual(all)
  })

  it('asks the rules of an identity first, then the authorizers', () => {
    const identity = who({
      rules: [
        { action: 'all', filter: 'secret', allow: false },
        { action: 'all', filter: 'own/%u', allow: true },
      ],
    })
    expect(answers(new Authorization([saying('allow')]), identity, 'secret')).toEqual(none)
    expect(answers(new Authorization([saying('deny')]), identity, 'own/ann')).toEqual(all)
    expect(answers(new Authorization([saying('allow')]), identity, 'other')).toEqual(all)
    expect(answers(new Authorization([saying('deny')]), identity, 'other')).toEqual(none)
  })

  it('denies an identity with rules what no rule matches, when there is no authorizer', () => {
    const authorization = new Authorization([])
    const identity = who({ rules: [{ action: 'subscribe', filter: 'a', allow: true }] })
    expect(answers(authorization, identity, 'a')).toEqual([false, true, true])
    expect(answers(authorization, identity, 'b')).toEqual(none)
    expect(answers(authorization, who({ rules: [] }), 'a')).toEqual(none)
    // Others are not bound by them.
    expect(answers(authorization, who(), 'b')).toEqual(all)
  })

  it('asks no authorizer at a delivery if none has a rule about receiving', () => {
    const { mayPublish, maySubscribe } = saying('allow')
    const authorization = new Authorization([{ mayPublish, maySubscribe }])
    expect(authorization.mayReceive).toBeUndefined()
    // Except for identities that have rules.
    expect(answers(authorization, who({ rules: [{ action: 'receive', filter: 'a', allow: false }] }))).toEqual([
      ...[true, true, false],
    ])
    expect(authorization.mayReceive!(who(), 'a')).toBe(true)
  })

  it('asks an authorizer about subscribing to the topic instead, if another one or a change can decide', () => {
    const only = (decision: Decision): Authorizer => {
      const { mayPublish, maySubscribe } = saying(decision)
      return { mayPublish, maySubscribe }
    }
    expect(answers(new Authorization([only('allow'), saying('pass')]), who())).toEqual(all)
    expect(answers(new Authorization([saying('pass'), only('deny')]), who())).toEqual(none)
    const changing = { ...only('deny'), onChange: () => () => undefined }
    expect(answers(new Authorization([changing]), who())).toEqual(none)
  })
})
