import { afterEach, describe, expect, it } from 'vitest'
import { HandlerHarness, type HarnessClient, persistent, subscribePacket } from '../../test/helpers/handler-harness.ts'
import { SlowStore } from '../../test/helpers/slow-store.ts'
import { subscriptionCost } from '../broker/subscription-cost.ts'

let broker: HandlerHarness
afterEach(() => broker.stop())

const bytes = () => broker.core.gauges.subscriptionBytes
/** Room for two subscriptions to filters of one character. */
const tight = { maximumTotalSubscriptionBytes: 2 * subscriptionCost('a') }
const granted = (client: HarnessClient, ...filters: string[]) =>
  client
    .take(subscribePacket(Object.fromEntries(filters.map((filter) => [filter, { qos: 1 as const }]))))
    .flatMap((packet) => (packet.cmd === 'suback' ? packet.granted : []))

describe('the filters with wildcards of one client', () => {
  const levels = () => broker.core.sessions.get('client')?.filters.wildcardLevels

  it('end at maximumWildcardLevels, all levels together; filters without are not counted', () => {
    broker = new HandlerHarness({ maximumWildcardLevels: 5 })
    const client = broker.connect()
    expect(granted(client, 'a/b/c/d/e/f', '+/a', '$share/g/a/b/#', '+', 'a/#', 'a')).toEqual([1, 1, 1, 0x97, 0x97, 1])
    expect([levels(), broker.core.counters.refusedWildcardLevels]).toEqual([5, 2])
    // One that is replaced costs nothing.
    expect(granted(client, '+/a')).toEqual([1])
    client.take({ cmd: 'unsubscribe', messageId: 1, unsubscriptions: ['+/a', 'a'] })
    expect(granted(client, 'a/#', '+')).toEqual([1, 0x97])
    expect(granted(broker.connect({ clientId: 'other' }, 4), '+/+/+/+/+/+')).toEqual([0x80])
    const warnings = broker.log.at('warn').map(({ why }) => why)
    expect(warnings).toContain('more than 5 levels in all filters with wildcards')
  })

  it('count after a restart', async () => {
    const store = new SlowStore()
    broker = new HandlerHarness({}, { store }, () => store.settleAll())
    granted(broker.connect(persistent()), 'a/+', '$share/g/+/b/c')
    store.settleAll()
    broker.stop()
    broker = new HandlerHarness({}, { store: store.crash() })
    await broker.core.restore()
    expect(levels()).toBe(5)
  })
})

describe('the subscriptions of all sessions together', () => {
  it('end at maximumTotalSubscriptionBytes, for all clients together', () => {
    broker = new HandlerHarness(tight)
    const [first, second] = ['1', '2'].map((clientId) => broker.connect({ clientId }))
    expect(granted(first!, 'a')).toEqual([1])
    expect(granted(second!, 'a', 'b', 'a')).toEqual([1, 0x97])
    expect(bytes()).toBe(tight.maximumTotalSubscriptionBytes)
  })
  it('are refused to a client of MQTT 3 with its one code', () => {
    broker = new HandlerHarness(tight)
    expect(granted(broker.connect({}, 4), 'a', 'b', 'c')).toEqual([1, 1, 0x80])
  })
  it('are replaced at the bound, which costs nothing', () => {
    broker = new HandlerHarness(tight)
    const client = broker.connect()
    expect(granted(client, 'a', 'b')).toEqual([1, 1])
    expect(granted(client, 'a')).toEqual([1])
  })
  it('leave room when they end, alone or with their session', () => {
    broker = new HandlerHarness(tight)
    const client = broker.connect()
    granted(client, 'a', 'b')
    client.take({ cmd: 'unsubscribe', messageId: 1, unsubscriptions: ['a', 'nothing'] })
    expect(bytes()).toBe(subscriptionCost('b'))
    expect(granted(client, 'c')).toEqual([1])
    client.lose()
    expect(bytes()).toBe(0)
  })
  it('count after a restart', async () => {
    const store = new SlowStore()
    broker = new HandlerHarness({}, { store }, () => store.settleAll())
    granted(broker.connect(persistent()), 'a', '$share/g/+/b')
    store.settleAll()
    const before = bytes()
    broker.stop()
    broker = new HandlerHarness({}, { store: store.crash() })
    await broker.core.restore()
    expect(bytes()).toBe(before)
    expect(before).toBe(subscriptionCost('a') + subscriptionCost('$share/g/+/b'))
  })
  it('cost more with a long filter, with wildcards and in a group', () => {
    broker = new HandlerHarness()
    expect(subscriptionCost('x'.repeat(1_000))).toBe(subscriptionCost('') + 2_000)
    expect(subscriptionCost('+/+')).toBeGreaterThan(subscriptionCost('a/a'))
    expect(subscriptionCost('$share/g/a')).toBeGreaterThan(subscriptionCost('another/g/a'))
  })
})
