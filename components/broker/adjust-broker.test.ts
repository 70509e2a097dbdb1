import { afterEach, expect, it } from 'vitest'
import type { Authorizer, Decision } from '../../src/kinds/authorizer.ts'
import {
  HandlerHarness,
  payloads,
  persistent,
  publishPacket,
  subscribePacket,
} from '../../test/helpers/handler-harness.ts'
import { adjustBroker } from './adjust-broker.ts'
import type { BrokerParts } from './broker-core.ts'
import { brokerConfig } from './config.ts'

/** Allows what does not begin with one text, and says when that changes. */
class Rules implements Authorizer {
  #listeners = 0
  #changed: (() => void) | undefined
  denied: string

  constructor(denied: string) {
    this.denied = denied
  }

  get listeners(): number {
    return this.#listeners
  }

  mayPublish(_: unknown, topic: string): Decision {
    return topic.startsWith(this.denied) ? 'deny' : 'allow'
  }
  maySubscribe(_: unknown, filter: string): Decision {
    return this.mayPublish(_, filter)
  }
  onChange(listener: () => void): () => void {
    this.#listeners += 1
    this.#changed = listener
    return () => {
      this.#listeners -= 1
    }
  }
  deny(text: string): void {
    this.denied = text
    this.#changed?.()
  }
}

let harness: HandlerHarness
afterEach(() => harness.stop())

const adjust = (config: object, parts: Partial<BrokerParts> = {}) => {
  const { router, authorization, ownership } = harness.core
  const own = { router, ownership, logger: harness.log, authorizers: authorization.authorizers }
  return adjustBroker(harness.core, brokerConfig.parse(config), { ...own, store: harness.store, ...parts })
}
const apply = (config: object, parts: Partial<BrokerParts> = {}) => {
  const change = adjust(config, parts)
  change.commit()
  void change.done()
}
const nextTurn = () => new Promise((resolve) => setImmediate(resolve))
const retain = (topic: string) =>
  publishPacket({ topic, payload: Buffer.from('x'), qos: 1, messageId: 1, retain: true })

it('applies all limits at once, and takes them back', () => {
  harness = new HandlerHarness()
  const client = harness.connect(persistent('a'))
  client.take(retain('one'))
  const limits = { maximumSessions: 1, maximumRetainedMessages: 1, maximumSubscriptions: 1, maximumUnreleased: 1 }
  const change = adjust(limits)
  change.commit()
  expect(harness.connect({ clientId: 'b' }).connack).toMatchObject({ reasonCode: 0x97 })
  expect(client.take(retain('two'))).toMatchObject([{ cmd: 'puback', reasonCode: 0x97 }])
  expect(client.take(subscribePacket({ x: { qos: 0 }, y: { qos: 0 } }))).toMatchObject([{ granted: [0, 0x97] }])
  change.undo()
  expect(harness.connect({ clientId: 'b' }).connack).toMatchObject({ reasonCode: 0 })
  expect(client.take(retain('two'))).toMatchObject([{ cmd: 'puback', reasonCode: 0x10 }])
  expect(client.take(subscribePacket({ y: { qos: 0 } }))).toMatchObject([{ granted: [0] }])
})

it('applies the quotas of users', () => {
  harness = new HandlerHarness()
  const { quotas } = harness.core
  const before = { ...quotas.limitsOf({ user: 'ann' }) }
  const change = adjust({ maximumSessionsPerUser: 3, maximumTotalQueuedBytes: 1_000_000 })
  change.commit()
  expect(quotas.limitsOf({ user: 'ann' })).toMatchObject({ sessions: 3, queuedBytes: 500_000 })
  change.undo()
  expect(quotas.limitsOf({ user: 'ann' })).toEqual(before)
})

it('asks other authorizers, about subscriptions that there are as well', async () => {
  const [first, second] = [new Rules('a/'), new Rules('b/')]
  harness = new HandlerHarness({}, { authorizers: [first] })
  const client = harness.connect()
  client.take(subscribePacket({ 'b/1': { qos: 0 }, 'c/1': { qos: 0 } }))
  const publish = (topic: string) =>
    payloads(client.take(publishPacket({ topic, payload: Buffer.from(topic), qos: 0 })))
  expect(publish('b/1')).toEqual(['b/1'])
  const change = adjust({}, { authorizers: [first, second] })
  change.commit()
  change.undo()
  expect([first.listeners, second.listeners]).toEqual([1, 0])
  expect(publish('b/1')).toEqual(['b/1'])

  apply({}, { authorizers: [second] })
  expect([first.listeners, second.listeners]).toEqual([0, 1])
  // Before its subscription is ended.
  expect(publish('b/1')).toEqual([])
  expect(publish('c/1')).toEqual(['c/1'])
  await nextTurn()
  expect(
    harness.broker.session(client.connack === undefined ? '' : [...harness.broker.clients()][0]!.id)?.subscriptions,
  ).toEqual([{ filter: 'c/1', qos: 0 }])
  second.deny('c/')
  await nextTurn()
  expect([...harness.broker.clients()][0]!.session.subscriptions).toEqual([])
})

it('delivers without questions when there are no authorizers any more, unless an identity has rules of its own', () => {
  harness = new HandlerHarness({}, { authorizers: [new Rules('a/')] })
  const { authorization } = harness.core
  expect(authorization.mayReceive).toBeDefined()
  apply({}, { authorizers: [] })
  expect(authorization.mayReceive).toBeUndefined()
  authorization.noteIdentity({ attributes: { rules: [] } } as never)
  apply({}, { authorizers: [] })
  expect(authorization.mayReceive).toBeDefined()
})

it('does not take a message with DUP 0 for another one when its content is not asked for any more', () => {
  harness = new HandlerHarness({ duplicateQoS2: 'by-content' })
  const client = harness.connect()
  const message = publishPacket({ topic: 'x', payload: Buffer.from('x'), qos: 2, messageId: 7 })
  client.take(subscribePacket({ x: { qos: 0 } }))
  expect(payloads(client.take(message))).toEqual(['x'])
  apply({ duplicateQoS2: 'by-identifier' })
  expect(payloads(client.take(message))).toEqual([])
})

it('refuses another durability or ownership', () => {
  harness = new HandlerHarness()
  const durability = { batch: 1, durableBatch: 0, onDurable: () => {}, onRecord: () => {} }
  expect(() => adjust({}, { durabilities: [durability] })).toThrow('a durability was added, removed or replaced')
  expect(() => adjust({}, { ownership: { claim: () => undefined } })).toThrow('the ownership of sessions was replaced')
})
