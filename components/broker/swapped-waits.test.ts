/** What waits for the store or for a member when the broker is swapped comes from the successor, once. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AnyComponent } from '../../src/system/component.ts'
import { type BrokerEvent, SwappedBroker } from '../../test/helpers/swapped-broker.ts'

const connect: BrokerEvent = { type: 'connect', clean: false, expiry: 1_000, window: 10, will: false }

/** The code of the broker, loaded a second time: all its classes are others. */
const loadedAgain = async (): Promise<AnyComponent> => {
  vi.resetModules()
  return (await import('./index.ts')).broker as unknown as AnyComponent
}

describe.each([
  ['of the same classes', undefined],
  ['of other classes', loadedAgain],
])('a successor %s', (_, load) => {
  let subject: SwappedBroker
  beforeEach(async () => {
    subject = await SwappedBroker.start({})
  })
  afterEach(() => subject.stop())

  const play = async (id: string, ...events: readonly BrokerEvent[]) => {
    for (const event of events) await subject.play(id, event)
  }
  const subscribe = (filter: string, qos: 1 | 2): BrokerEvent => ({ type: 'subscribe', filter, qos })
  const publish = (topic: string, qos: 1 | 2): BrokerEvent => ({ type: 'publish', topic, qos, retain: false })
  const settle = () => play('', { type: 'settle' })
  /** A swap that is undone, and one that is not. */
  const swap = async () => {
    if (load !== undefined) subject.component = await load()
    await subject.swap(true)
    await subject.swap(false)
  }
  /** What a client was sent meanwhile. */
  const sentIn = async (id: string, work: () => Promise<unknown>): Promise<readonly string[]> => {
    const before = subject.sent.get(id)?.length ?? 0
    await work()
    // What comes later is taken from the recipient with the next event of its client.
    await play(id, { type: 'drain' })
    return subject.sent
      .get(id)!
      .slice(before)
      .filter((line) => line !== 'answers')
  }

  it('sends messages at QoS 2 that are held until the store has them', async () => {
    await play('away', connect, subscribe('a', 2))
    await play('sender', connect)
    await settle()
    const early = await sentIn('away', () => play('sender', publish('a', 2), publish('a', 2)))
    expect(early).toEqual([])
    expect(await sentIn('away', swap)).toEqual([])
    expect(await sentIn('away', settle)).toEqual(['a 1 2 false  1 false', 'a 2 2 false  2 false'])
    expect(await sentIn('away', settle)).toEqual([])
  })

  it('sends PUBREL that a client is owed from an earlier connection when the store has its PUBREC', async () => {
    await play('away', connect, subscribe('a', 2))
    await play('sender', connect, publish('a', 2), publish('a', 2))
    await settle()
    await play('away', { type: 'drain' }, { type: 'acknowledge' }, { type: 'lose' })
    const early = await sentIn('away', () => play('away', connect))
    expect(early.filter((line) => line.startsWith('pubrel'))).toEqual([])
    expect(await sentIn('away', swap)).toEqual([])
    // The listener of the store is called, and nothing more is durable.
    expect(await sentIn('away', async () => (subject.store.pressure = 'slow'))).toEqual([])
    const late = await sentIn('away', settle)
    expect(late.filter((line) => line.startsWith('pubrel'))).toEqual(['pubrel 1'])
    expect(await sentIn('away', settle)).toEqual([])
  })

  it('gives a member what waits for any member of a Shared Subscription', async () => {
    await play('away', connect, subscribe('$share/g/a', 1), { type: 'disconnect' })
    await play('sender', connect, publish('a', 1), publish('a', 1))
    await settle()
    await swap()
    await play('other', connect)
    const sent = await sentIn('other', async () => {
      await play('other', subscribe('$share/g/a', 1))
      await settle()
    })
    expect(sent.map((line) => line.slice(0, 4))).toEqual(['a 1 ', 'a 2 '])
    // With the batch that CONNACK waits for, and nothing else.
    expect(await sentIn('away', () => play('away', connect))).toEqual([expect.stringMatching(/^connected true \d+$/)])
  })
})
