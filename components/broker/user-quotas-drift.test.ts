import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  HandlerHarness,
  type HarnessClient,
  persistent,
  publishPacket,
  subscribePacket,
} from '../../test/helpers/handler-harness.ts'
import { asUser, instantMethod } from '../../test/helpers/instant-method.ts'

const USERS = ['ann', 'bob'] as const
const topic = fc.constantFrom('a', 'a/b', 'c')
const client = fc.nat(3)
const step = fc.oneof(
  fc.record({
    do: fc.constant('connect' as const),
    client,
    user: fc.constantFrom(...USERS),
    clean: fc.boolean(),
    outlives: fc.boolean(),
    will: fc.option(fc.record({ topic, retain: fc.boolean(), qos: fc.constantFrom(0 as const, 1 as const) })),
  }),
  fc.record({
    do: fc.constant('publish' as const),
    client,
    topic,
    qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
    retain: fc.boolean(),
    isEmpty: fc.boolean(),
  }),
  fc.record({ do: fc.constant('subscribe' as const), client, filter: fc.constantFrom('#', 'a/+', 'c', '$share/g/#') }),
  fc.record({ do: fc.constant('unsubscribe' as const), client, filter: fc.constantFrom('#', 'a/+', '$share/g/#') }),
  fc.record({
    do: fc.constantFrom('lose' as const, 'disconnect' as const, 'acknowledge' as const, 'end' as const),
    client,
  }),
  fc.record({ do: fc.constant('delete' as const), topic }),
  fc.record({ do: fc.constant('release' as const) }),
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

class World {
  readonly harness = new HandlerHarness({}, { authenticationMethods: [instantMethod] })
  readonly clients = new Map<number, HarnessClient>()

  run(each: Step): void {
    const { broker, core } = this.harness
    const own = 'client' in each ? this.clients.get(each.client) : undefined
    switch (each.do) {
      case 'connect': {
        const { will, clean, outlives, user } = each
        const fields = {
          ...(outlives ? persistent(String(each.client)) : { clientId: String(each.client) }),
          clean,
          ...(will !== null && { will: { ...will, payload: Buffer.from('gone') } }),
        }
        const made = this.harness.connect(asUser(user, fields))
        if ((made.connack as { reasonCode?: number } | undefined)?.reasonCode === 0) this.clients.set(each.client, made)
        break
      }
      case 'publish':
        own?.take(
          publishPacket({
            topic: each.topic,
            qos: each.qos,
            retain: each.retain,
            payload: Buffer.from(each.isEmpty ? '' : 'payload'),
          }),
        )
        if (each.qos === 2) own?.take({ cmd: 'pubrel', messageId: 1 })
        break
      case 'subscribe':
        own?.take(subscribePacket({ [each.filter]: { qos: 2 } }))
        break
      case 'unsubscribe':
        own?.take({ cmd: 'unsubscribe', messageId: 3, unsubscriptions: [each.filter] })
        break
      case 'lose':
        own?.lose()
        this.clients.delete(each.client)
        break
      case 'disconnect':
        own?.take({ cmd: 'disconnect', reasonCode: 0 })
        own?.lose()
        this.clients.delete(each.client)
        break
      case 'acknowledge':
        for (let messageId = 1; messageId <= 3; messageId += 1) {
          own?.take({ cmd: 'puback', messageId })
        }
        break
      case 'end':
        broker.endSession(String(each.client))
        break
      case 'delete':
        broker.deleteRetained(each.topic)
        break
      case 'release':
        core.endedSessions.drain()
    }
  }

  check(): void {
    const { core } = this.harness
    const quotas = [...USERS, undefined].map((user) => core.quotas.find(user))
    const sum = (number: 'queuedBytes' | 'willBytes' | 'subscriptionBytes' | 'sessions' | 'retainedMessages') =>
      quotas.reduce((total, quota) => total + (quota?.[number] ?? 0), 0)
    const { queuedBytes, willBytes, subscriptionBytes } = core.gauges
    const retained = core.retained.messages.count
    expect({
      queuedBytes: sum('queuedBytes'),
      willBytes: sum('willBytes'),
      subscriptionBytes: sum('subscriptionBytes'),
      sessions: sum('sessions'),
      retained: sum('retainedMessages'),
    }).toEqual({ queuedBytes, willBytes, subscriptionBytes, sessions: core.sessions.count, retained })
  }
}

it('the quotas of all users are together what the broker holds, whatever clients do', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const world = new World()
      try {
        for (const each of steps) {
          world.run(each)
          world.check()
        }
        for (const own of world.clients.values()) own.lose()
        for (const id of ['0', '1', '2', '3']) world.harness.broker.endSession(id)
        world.harness.core.wills.drain()
        world.harness.core.endedSessions.drain()
        for (const each of ['a', 'a/b', 'c']) world.harness.broker.deleteRetained(each)
        world.check()
        expect(world.harness.core.quotas.count).toBe(0)
      } finally {
        world.harness.stop()
      }
    }),
    { numRuns: 60 },
  )
})
