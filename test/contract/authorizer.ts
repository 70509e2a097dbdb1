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
          expect(authorizer.mayPublish(contractIdentity, 'allowed/a', qos, retain)).toBe(true)
          expect(authorizer.mayPublish(contractIdentity, 'denied/a', qos, retain)).toBe(false)
        }
      }
    })

    it('allows and denies subscribing', () => {
      for (const filter of ['allowed/a', 'allowed/+', 'allowed/a/#', 'allowed/+/b']) {
        expect(authorizer.maySubscribe(contractIdentity, filter)).toBe(true)
      }
      for (const filter of ['denied/a', 'denied/+', 'denied/#', 'denied/+/b']) {
        expect(authorizer.maySubscribe(contractIdentity, filter)).toBe(false)
      }
    })

    it('grants no wildcard that reaches beyond what is allowed', () => {
      for (const filter of ['#', '+/#', '+/a', '+/+']) {
        expect(authorizer.maySubscribe(contractIdentity, filter)).toBe(false)
      }
    })

    it('allows and denies receiving, or leaves the question out', () => {
      expect(authorizer.mayReceive?.(contractIdentity, 'allowed/a') ?? true).toBe(true)
      expect(authorizer.mayReceive?.(contractIdentity, 'denied/a') ?? false).toBe(false)
    })

    it('has methods that answer the same to an equal identity, as often as they are asked', () => {
      for (let round = 0; round < 3; round += 1) {
        const identity = { ...contractIdentity }
        for (const topic of ['allowed/a', 'denied/a', 'allowed/b', 'denied/a', 'allowed/a']) {
          const expected = topic.startsWith('allowed')
          expect(authorizer.mayPublish(identity, topic, 0, false)).toBe(expected)
          expect(authorizer.mayReceive?.(identity, topic) ?? expected).toBe(expected)
          expect(authorizer.maySubscribe(identity, topic)).toBe(expected)
        }
      }
    })

    it('answers at once, true or false and nothing else, and never throws', () => {
      fc.assert(
        fc.property(identities, topics, fc.constantFrom<QoS>(0, 1, 2), fc.boolean(), (identity, topic, qos, retain) => {
          expect(authorizer.mayPublish(identity, topic, qos, retain)).toBeTypeOf('boolean')
          expect(authorizer.maySubscribe(identity, topic)).toBeTypeOf('boolean')
          if (authorizer.mayReceive !== undefined) expect(authorizer.mayReceive(identity, topic)).toBeTypeOf('boolean')
        }),
      )
    })

    it('accepts a topic and a filter of 65,535 characters', () => {
      for (const topic of ['/'.repeat(65_535), `denied${'/'.repeat(65_529)}`, 'a'.repeat(65_535)]) {
        expect(authorizer.mayPublish(contractIdentity, topic, 0, false)).toBe(false)
        expect(authorizer.maySubscribe(contractIdentity, topic)).toBe(false)
      }
    })
  })
}
