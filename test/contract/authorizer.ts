import fc from 'fast-check'
import type { QoS } from 'mqtt-packet'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Authorizer, Identity } from '../../src/kinds/authorizer.ts'
import { UNKNOWN_PEER } from '../../src/kinds/peer.ts'
import { peerAt } from '../helpers/peer-at.ts'

/** The client that the contract's questions are about. */
export const contractIdentity: Identity = { clientId: 'known', userName: 'user', peer: peerAt('127.0.0.1:50000') }

/** Names and topics that have opened access controls before. */
const hostile = fc.oneof(
  fc.constantFrom(
    '',
    '+',
    '#',
    '/',
    '+/#',
    '$SYS',
    '%c',
    '%u',
    '%{a}',
    '%',
    '__proto__',
    'constructor',
    'a/b',
    '\u{0}',
    '\u{feff}',
  ),
  fc.string({ unit: 'binary', maxLength: 30 }),
)
const identities = fc.record<Identity>({
  clientId: hostile,
  userName: fc.option(hostile, { nil: undefined }),
  peer: fc.constantFrom(UNKNOWN_PEER, peerAt('[::1]:1')),
  attributes: fc.option(
    fc.record({ groups: fc.array(hostile, { maxLength: 3 }), values: fc.dictionary(hostile, hostile, { maxKeys: 3 }) }),
    { nil: undefined },
  ),
})
const levels = fc.array(fc.oneof(hostile, fc.constantFrom('allowed', 'denied', '+')), { minLength: 1, maxLength: 5 })
const topics = levels.map((each) => each.join('/'))

/**
 * What every Authorizer must do.
 * @param create makes one that allows `contractIdentity` everything on topics beneath `allowed`, and nothing beneath `denied`.
 */
export const authorizerContract = (name: string, create: () => Authorizer | Promise<Authorizer>): void => {
  describe(`${name} as an Authorizer`, () => {
    let authorizer: Authorizer
    beforeEach(async () => {
      authorizer = await create()
    })

    it('allows and denies publishing, with any QoS and RETAIN', () => {
      for (const qos of [0, 1, 2] as const) {
        for (const retain of [false, true]) {
          expect(authorizer.mayPublish(contractIdentity, 'allowed/a', qos, retain)).toBe('allow')
          expect(authorizer.mayPublish(contractIdentity, 'denied/a', qos, retain)).not.toBe('allow')
        }
      }
    })

    it('allows and denies subscribing, whatever QoS', () => {
      for (const qos of [0, 1, 2] as const) {
        for (const filter of ['allowed/a', 'allowed/+', 'allowed/a/#', 'allowed/+/b']) {
          expect(authorizer.maySubscribe(contractIdentity, filter, qos)).toBe('allow')
        }
        for (const filter of ['denied/a', 'denied/+', 'denied/#', 'denied/+/b']) {
          expect(authorizer.maySubscribe(contractIdentity, filter, qos)).not.toBe('allow')
        }
      }
    })

    it('gives nothing beyond what is allowed by a wildcard: refuses it, or holds back what may not be received', () => {
      for (const filter of ['#', '+/#', '+/a', '+/+']) {
        if (authorizer.maySubscribe(contractIdentity, filter, 0) !== 'allow') continue
        expect(authorizer.mayReceive?.(contractIdentity, 'denied/a')).toBeOneOf(['deny', 'pass'])
        expect(authorizer.mayReceive?.(contractIdentity, 'allowed/a')).toBe('allow')
      }
    })

    it('allows and denies receiving, or leaves the question out', () => {
      expect(authorizer.mayReceive?.(contractIdentity, 'allowed/a') ?? 'allow').toBe('allow')
      expect(authorizer.mayReceive?.(contractIdentity, 'denied/a') ?? 'deny').not.toBe('allow')
    })

    it('has methods that answer the same to an equal identity, as often as they are asked', () => {
      for (let round = 0; round < 3; round += 1) {
        const identity = { ...contractIdentity }
        for (const topic of ['allowed/a', 'denied/a', 'allowed/b', 'denied/a', 'allowed/a']) {
          const isAllowed = topic.startsWith('allowed')
          expect(authorizer.mayPublish(identity, topic, 0, false) === 'allow').toBe(isAllowed)
          expect((authorizer.mayReceive?.(identity, topic) ?? 'allow') === 'allow').toBe(
            isAllowed || authorizer.mayReceive === undefined,
          )
          expect(authorizer.maySubscribe(identity, topic, 0) === 'allow').toBe(isAllowed)
        }
      }
    })

    it('answers at once, with a decision and nothing else, and never throws', () => {
      const decisions = ['allow', 'deny', 'pass']
      fc.assert(
        fc.property(identities, topics, fc.constantFrom<QoS>(0, 1, 2), fc.boolean(), (identity, topic, qos, retain) => {
          expect(decisions).toContain(authorizer.mayPublish(identity, topic, qos, retain))
          expect(decisions).toContain(authorizer.maySubscribe(identity, topic, qos))
          expect(decisions).toContain(authorizer.mayReceive?.(identity, topic) ?? 'pass')
          expect(authorizer.subscribeUnits?.(identity, topic) ?? 0).toBeGreaterThanOrEqual(0)
        }),
      )
    })

    it('takes a function to call when its rules change, and does not call it before', () => {
      let changes = 0
      authorizer.onChange?.(() => {
        changes += 1
      })
      expect(changes).toBe(0)
    })

    it('accepts a topic and a filter of 65,535 characters', () => {
      for (const topic of ['/'.repeat(65_535), `denied${'/'.repeat(65_529)}`, 'a'.repeat(65_535)]) {
        expect(authorizer.mayPublish(contractIdentity, topic, 0, false)).not.toBe('allow')
        expect(authorizer.maySubscribe(contractIdentity, topic, 0)).not.toBe('allow')
      }
    })
  })
}
