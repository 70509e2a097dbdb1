import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Authorizer, Identity } from '../../src/kinds/authorizer.ts'
import type { IdentityAttributes } from '../../src/kinds/identity.ts'
import {
  HandlerHarness,
  payloads,
  persistent,
  publishPacket,
  subscribePacket,
} from '../../test/helpers/handler-harness.ts'
import { restoredState } from '../../test/helpers/restored-state.ts'
import { SlowStore } from '../../test/helpers/slow-store.ts'
import { MemoryStore } from '../store-memory/memory-store.ts'
import { UNITS_PER_TURN } from './turn-scheduler.ts'

/** Denies topics beneath `secret` from `revoke` on, and those of its groups. */
class Changing implements Authorizer {
  readonly identities: Identity[] = []
  #isRevoked = false
  #changed: (() => void) | undefined

  mayPublish({ attributes }: Identity, topic: string) {
    if (topic.startsWith('groups/')) return attributes?.groups?.includes(topic.slice(7)) ? 'allow' : 'deny'
    return this.#isRevoked && topic.startsWith('secret/') ? 'deny' : 'allow'
  }
  maySubscribe(identity: Identity, filter: string) {
    this.identities.push(identity)
    return this.mayPublish(identity, filter)
  }
  mayReceive(identity: Identity, topic: string) {
    return this.mayPublish(identity, topic)
  }
  onChange(listener: () => void) {
    this.#changed = listener
    return () => {
      this.#changed = undefined
    }
  }

  /** Changes the rules. @param silently the broker is not told. */
  revoke(silently = false) {
    this.#isRevoked = true
    if (!silently) this.#changed?.()
  }
}

let broker: HandlerHarness
let authorizer: Changing
const start = (parts: object = {}) => {
  authorizer = new Changing()
  broker = new HandlerHarness({}, { authorizers: [authorizer], ...parts })
}
beforeEach(() => start())
afterEach(() => broker.stop())

const filtersOf = (id: string) => [...broker.core.sessions.get(id)!.subscriptions.keys()]
const publisher = () => broker.connect({ clientId: 'publisher' })
const settled = async () => {
  while (broker.core.revocation.isBusy) await nextTurn()
}

/** From now on clients have these attributes, as an authenticator would say. */
const grant = (attributes: IdentityAttributes) => {
  const { forClients } = broker.core
  // Without what was granted before.
  Reflect.deleteProperty(forClients, 'admit')
  const admit = forClients.admit.bind(forClients)
  forClients.admit = (request) => {
    Object.assign(request.identity, { attributes })
    return admit(request)
  }
}

describe('when rules change', () => {
  it('subscriptions that are no longer allowed end, of clients connected and away, and shared ones', () => {
    const connected = broker.connect({ clientId: 'connected' })
    connected.take(subscribePacket({ 'secret/a': {}, 'open/a': {}, '$share/g/secret/b': {}, '$share/g/open/b': {} }))
    const away = broker.connect(persistent('away'))
    away.take(subscribePacket({ 'secret/#': {}, '#': {} }))
    away.lose()
    authorizer.revoke()
    expect(filtersOf('connected')).toEqual(['open/a', '$share/g/open/b'])
    expect(filtersOf('away')).toEqual(['#'])
    expect(broker.core.router.subscriptions).toBe(3)
    expect(broker.core.counters.endedSubscriptions).toBe(3)
    const lines = broker.log.lines.filter(({ message }) => message.includes('no longer authorized'))
    expect(lines).toMatchObject([
      { level: 'info', client: 'connected', subscriptions: 2 },
      { level: 'info', client: 'away', subscriptions: 1 },
    ])
  })

  it('what waits for a client, or was sent and not acknowledged, is no longer delivered', () => {
    const away = broker.connect(persistent('away', { properties: { receiveMaximum: 1 } }))
    away.take(subscribePacket({ 'secret/#': { qos: 1 }, '$share/g/secret/#': { qos: 1 }, 'open/#': { qos: 1 } }))
    const other = publisher()
    const send = (topic: string) => other.take(publishPacket({ topic, qos: 1, payload: Buffer.from(topic) }))
    send('secret/1')
    expect(payloads(away.take())).toHaveLength(1)
    send('secret/2')
    away.lose()
    for (const topic of ['secret/3', 'open/4']) send(topic)
    authorizer.revoke()
    const again = broker.connect(persistent('away'))
    const received: string[] = []
    // What came directly after CONNACK was taken away with it.
    again.take({ cmd: 'pingreq' })
    const { counters } = broker.handler
    expect(counters.deniedDeliveries).toBeGreaterThanOrEqual(3)
    send('open/5')
    received.push(...payloads(again.take()))
    expect(received).toEqual(['open/5'])
    expect(broker.core.gauges.queuedBytes).toBeLessThanOrEqual(2 * (450 + 6 + 6))
  })

  it('a retained message that is being replayed is held back, as is a Will', () => {
    publisher().take(publishPacket({ topic: 'open/a', retain: true }))
    // The server may always publish: only the subscriber is asked about.
    broker.broker.publish({ topic: 'secret/a', payload: 'x', retain: true })
    const will = { topic: 'secret/will', payload: Buffer.from('gone'), qos: 1 as const, retain: false }
    const dying = broker.connect({ clientId: 'dying', will })
    const watcher = broker.connect({ clientId: 'watcher' })
    authorizer.revoke()
    watcher.take(subscribePacket({ '#': {} }))
    broker.core.sessions.get('watcher')!.outbox.pump()
    dying.lose()
    expect(broker.core.counters.refusedWills).toBe(1)
    expect(broker.core.counters.deniedPublishes).toBe(1)
    expect(broker.handler.counters.deniedDeliveries).toBe(1)
  })

  it('nothing is delivered to a revoked subscription before its turn', () => {
    const client = broker.connect({ clientId: 'client' })
    client.take(subscribePacket({ 'secret/a': { qos: 0 } }))
    const other = broker.connect({ clientId: 'other' })
    broker.core.scheduler.spend(UNITS_PER_TURN)
    authorizer.revoke()
    expect(filtersOf('client')).toEqual(['secret/a'])
    // Published as the server, whom no authorizer stops.
    broker.broker.publish({ topic: 'secret/a', payload: 'x' })
    other.take(publishPacket({ topic: 'open/a' }))
    expect(client.take()).toEqual([])
  })

  it('many sessions are checked over several turns, and again if the rules change meanwhile', async () => {
    for (let n = 0; n < 300; n += 1) {
      const client = broker.connect(persistent(`client ${n}`))
      client.take(subscribePacket({ 'secret/a': {}, 'open/a': {} }))
      client.lose()
    }
    await nextTurn()
    const before = authorizer.identities.length
    broker.core.scheduler.spend(UNITS_PER_TURN - 3_000)
    authorizer.revoke()
    const atOnce = broker.core.counters.endedSubscriptions
    expect(atOnce).toBeGreaterThan(0)
    expect(atOnce).toBeLessThan(300)
    authorizer.revoke()
    await settled()
    expect(broker.core.counters.endedSubscriptions).toBe(300)
    expect(broker.core.router.subscriptions).toBe(300)
    // All of them twice, but for those that had ended.
    expect(authorizer.identities.length - before).toBe(600 + 300)
    const lines = broker.log.at('info').filter(({ message }) => message.includes('no longer authorized'))
    expect(lines).toHaveLength(11)
    expect(lines.at(-1)).toMatchObject({ subscriptions: 300, clients: 300 })
  })

  it('an authorizer that fails allows nothing, and the remaining subscriptions are checked', () => {
    for (const clientId of ['a', 'b']) broker.connect({ clientId }).take(subscribePacket({ x: {} }))
    authorizer.maySubscribe = () => {
      throw new Error('a fault')
    }
    authorizer.revoke()
    expect([filtersOf('a'), filtersOf('b')]).toEqual([[], []])
    expect(broker.log.at('error')).toHaveLength(2)
    expect(broker.core.revocation.isBusy).toBe(false)
  })

  it('after the broker has stopped, nothing is asked', () => {
    broker.connect(persistent('a')).take(subscribePacket({ 'secret/a': {} }))
    broker.stop()
    authorizer.revoke()
    expect(broker.core.counters.endedSubscriptions).toBe(0)
  })
})

describe('after a restart', () => {
  let store: SlowStore
  const restart = async () => {
    store.settleAll()
    broker.stop()
    store = store.crash()
    const before = authorizer
    start({ store })
    await broker.core.restore()
    return before
  }
  beforeEach(() => {
    broker.stop()
    store = new SlowStore()
    start({ store })
  })

  it('the rules in force now hold for the subscriptions that were stored', async () => {
    const client = broker.open()
    client.take({ cmd: 'connect', keepalive: 0, clean: false, ...persistent('client') } as never)
    store.settleAll()
    client.take(subscribePacket({ 'secret/a': {}, 'groups/g': {}, open: {} }))
    expect(filtersOf('client')).toEqual(['secret/a', 'open'])
    store.settleAll()
    broker.stop()
    store = store.crash()
    authorizer = new Changing()
    authorizer.revoke()
    broker = new HandlerHarness({}, { authorizers: [authorizer], store })
    await broker.core.restore()
    expect(filtersOf('client')).toEqual(['open'])
  })

  it.each([
    [['g'], 1],
    [['h'], 0],
  ])('a Will is authorized with the groups that its client had: %j', async (groups, published) => {
    grant({ groups: ['g'] })
    const will = { topic: 'groups/g', payload: Buffer.from('gone'), qos: 1 as const, retain: true }
    broker.open().take({ cmd: 'connect', keepalive: 0, clean: false, ...persistent('c', { will }) } as never)
    store.settleAll()
    const { sessions } = await restoredState(store)
    expect(sessions[0]!.attributes).toEqual({ groups: ['g'] })
    store.append({ type: 'session', session: { ...sessions[0]!, attributes: { groups } } })
    await restart()
    expect(broker.core.retained.messages.count).toBe(published)
    expect(broker.core.counters.refusedWills).toBe(1 - published)
  })

  it('a client that proved no name has the one that it gave, for authorization alone', async () => {
    broker.open().take({ cmd: 'connect', keepalive: 0, clean: false, ...persistent('c', { username: 'ann' }) } as never)
    await restart()
    const { identity, owner } = broker.core.sessions.get('c')!
    expect([identity.userName, owner]).toEqual(['ann', undefined])
  })
})

it('a client that reconnects with fewer rights loses the subscriptions that are no longer allowed', () => {
  const connect = (attributes: IdentityAttributes) => {
    grant(attributes)
    const client = broker.connect(persistent('client'))
    return client
  }
  connect({ groups: ['g', 'h'] }).take(subscribePacket({ 'groups/g': {}, 'groups/h': {}, open: {} }))
  const before = authorizer.identities.length
  connect({ groups: ['g', 'h'] })
  // Nothing has changed, so nothing is asked.
  expect(authorizer.identities.length).toBe(before)
  connect({ groups: ['h'] })
  expect(filtersOf('client')).toEqual(['groups/h', 'open'])
  expect(broker.core.counters.endedSubscriptions).toBe(1)
})

it('the rules of an identity are applied to deliveries, also when its session was restored', async () => {
  broker.stop()
  const store = new MemoryStore()
  broker = new HandlerHarness({}, { store })
  expect(broker.core.forClients.mayReceive).toBeUndefined()
  store.append({
    type: 'session',
    session: {
      ...{
        id: 'client',
        userName: undefined,
        expiryIntervalSeconds: 100,
        disconnectedAtMs: Date.now(),
        will: undefined,
      },
      attributes: { rules: [{ action: 'all', filter: 'a', allow: true }] },
    },
  })
  await broker.core.restore()
  const { identity } = broker.core.sessions.get('client')!
  expect(broker.core.forClients.mayReceive?.(identity, 'a')).toBe(true)
  expect(broker.core.forClients.mayReceive?.(identity, 'b')).toBe(false)
})
