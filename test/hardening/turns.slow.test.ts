import { beforeEach, describe, expect, it } from 'vitest'
import type { LocalBroker } from '../../components/broker/local-broker.ts'
import { UNITS_PER_TURN } from '../../components/broker/turn-scheduler.ts'
import { eventually } from '../helpers/eventually.ts'
import { arena, VERSIONS } from './arena.ts'
import { type Attacker, noProperties } from './attacker.ts'

const MAXIMUM_FILTERS = 5_000
const attack = arena({ decoder: { maximumFilters: MAXIMUM_FILTERS } })

const core = () => (attack.broker.map.broker as LocalBroker).core
const scheduler = () => core().scheduler

beforeEach(() => {
  scheduler().mostInTurn = 0
})

/** Fails if a turn of the event loop did more than its share: a step may begin while units are left. */
const turnsWereBounded = () => {
  expect(scheduler().mostInTurn).toBeGreaterThan(0)
  expect(scheduler().mostInTurn).toBeLessThan(UNITS_PER_TURN * 1.2)
}

const all = (count: number, make: (n: number) => Promise<Attacker>) =>
  Promise.all(Array.from({ length: count }, (_, n) => make(n)))

describe('many connections that are lost at once', () => {
  it('have their Wills published over turns of the event loop, each to every subscriber', async () => {
    const [wills, subscribers] = [150, 50]
    const witnesses = await all(subscribers, () => attack.connected(5))
    for (const witness of witnesses) await witness.subscribe('will/#')
    // A delivery counts as one unit, and one more for each KiB.
    const will = { flags: 4, payload: `[] "will/x" <${'78'.repeat(8_192)}>` }
    const attackers = await all(wills, () => attack.connected(5, will))
    const { spent } = scheduler()
    for (const attacker of attackers) attacker.destroy()
    await attack.bystanderIsServed()
    for (const witness of witnesses) {
      for (let n = 0; n < wills; n++) expect((await witness.packet()).startsWith('30')).toBe(true)
    }
    expect(scheduler().spent - spent).toBeGreaterThanOrEqual(wills * subscribers * 9)
    expect(core().gauges.willBytes).toBe(0)
    turnsWereBounded()
  })

  it('have their subscriptions removed over turns of the event loop', async () => {
    const { router } = attack.broker.map
    const before = router.subscriptions
    const clients = await all(60, () => attack.connected(5))
    for (const [n, client] of clients.entries()) {
      const filters = Array.from({ length: 500 }, (_, m) => `"end/+/${n}/${m}" 00`).join(' ')
      client.send(`82 @ 0001 [] ${filters}`)
    }
    for (const client of clients) expect(await client.packet()).toMatch(/^90/)
    expect(router.subscriptions).toBe(before + 30_000)
    for (const client of clients) client.destroy()
    await attack.bystanderIsServed()
    await eventually(() => expect(router.subscriptions).toBe(before))
    turnsWereBounded()
  })
})

describe.each(VERSIONS)('a packet of thousands of filters in version %i', (version) => {
  const none = noProperties(version)
  const names = (count: number) => Array.from({ length: count }, (_, n) => `"many/+/${n}"`)

  it('is handled over turns of the event loop, and answered in their order', async () => {
    const { router } = attack.broker.map
    const before = router.subscriptions
    const attacker = await attack.connected(version)
    const filters = names(MAXIMUM_FILTERS)
    const { turns } = scheduler()
    attacker.send(`82 @ 0001 ${none} ${filters.map((name, n) => `${name} 0${n % 3}`).join(' ')}`, 'c0 00')
    const suback = await attacker.packet()
    expect(suback.slice(-2 * MAXIMUM_FILTERS)).toBe(filters.map((_, n) => `0${n % 3}`).join(''))
    expect(await attacker.packet()).toBe('d000')
    expect(scheduler().turns - turns).toBeGreaterThan(1)
    expect(router.subscriptions).toBe(before + MAXIMUM_FILTERS)
    attacker.send(`a2 @ 0002 ${none} ${filters.join(' ')}`)
    expect(await attacker.packet()).toMatch(/^b0/)
    expect(router.subscriptions).toBe(before)
    turnsWereBounded()
  })

  it.each(['82', 'a2'])('is refused beyond maximumFilters: packet %s', async (firstByte) => {
    const attacker = await attack.connected(version)
    const options = firstByte === '82' ? ' 00' : ''
    const filters = names(MAXIMUM_FILTERS + 1).map((name) => `${name}${options}`)
    await attacker.send(`${firstByte} @ 0001 ${none} ${filters.join(' ')}`).isThrownOut('QuotaExceeded')
  })
})
