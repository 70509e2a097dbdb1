import { describe, expect, it } from 'vitest'
import type { LocalBroker } from '../../components/broker/local-broker.ts'
import { randomBelow } from '../helpers/mutate.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { arena } from './arena.ts'
import { hex } from './attacker.ts'

const attack = arena()
const core = () => (attack.broker.map.broker as LocalBroker).core

const LEVELS = 60
/** So many filters of 60 levels are within maximumWildcardLevels. */
const FILTERS = 1_600

/** Random filters of `a` and `+`: nearly each level of each is a node, and a topic of `a` leads through all of them. */
const filters = (count: number): string[] => {
  const random = randomBelow(60)
  return Array.from({ length: count }, (_, n) =>
    [...Array.from({ length: LEVELS - 1 }, () => (random(2) === 0 ? 'a' : '+')), n % 2 === 0 ? '+' : '#'].join('/'),
  )
}
const subscribeBytes = (all: readonly string[]): Buffer =>
  packetBytes(`82 @ 0001 [] ${all.map((filter) => `"${filter}" 00`).join(' ')}`)
/** Topics that are ever new, so that no route is known. */
const topic = (n: number): string => `${'a/'.repeat(LEVELS - 1)}${n}-${'x'.repeat(300)}`

describe('topics that lead through very many filters', () => {
  it('take several turns each: another client is served meanwhile, and each message arrives once and in order', async () => {
    const subscriber = await attack.connected(5)
    subscriber.send(subscribeBytes(filters(FILTERS)))
    expect(await subscriber.packet()).toMatch(/^90/)
    const names = ['publisher 0', 'publisher 1', 'publisher 2']
    const publishers = await Promise.all(names.map((clientId) => attack.connected(5, { clientId })))
    for (const [index, publisher] of publishers.entries()) {
      for (let n = 0; n < 10; n++) publisher.send(`32 @ "${topic(n)}" ${hex(n + 1, 4)} [] '${index}${n}'`)
    }
    await attack.bystanderIsServed()
    // The bystander did not have to wait until all of them were passed on.
    expect(names.some((clientId) => core().publications.isBusy(clientId))).toBe(true)
    const arrived: string[] = []
    while (arrived.length < 30) arrived.push(Buffer.from((await subscriber.packet()).slice(-4), 'hex').toString())
    for (const index of [0, 1, 2]) {
      const numbers = Array.from({ length: 10 }, (_, n) => `${index}${n}`)
      expect(arrived.filter((text) => text.startsWith(`${index}`))).toEqual(numbers)
    }
    for (const publisher of publishers) expect(await publisher.untilPing()).toHaveLength(10)
  })

  it('are bounded by the levels of all filters with wildcards of one client', async () => {
    const attacker = await attack.connected(5)
    const before = core().counters.refusedWildcardLevels
    attacker.send(subscribeBytes(filters(2_000)))
    const suback = await attacker.packet()
    const codes = suback.slice(-4_000).match(/../g)!
    const granted = Math.floor(100_000 / LEVELS)
    expect(codes.filter((code) => code === '00')).toHaveLength(granted)
    expect(codes.filter((code) => code === '97')).toHaveLength(2_000 - granted)
    expect(core().counters.refusedWildcardLevels - before).toBe(2_000 - granted)
    // Filters without wildcards cost one look-up, at any depth.
    await attacker.subscribe('a/'.repeat(60))
  })
})
