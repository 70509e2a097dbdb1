import { describe, expect, it } from 'vitest'
import { Bans, banHandover } from './bans.ts'

const limits = { banSeconds: 60, maximumBanSeconds: 200, maximumTrackedAddresses: 3 }

describe('bans', () => {
  it('end after their time, and are twice as long each time, up to the maximum', () => {
    const bans = new Bans(limits)
    expect(bans.has('192.0.2.7', 0)).toBe(false)
    expect(bans.add('192.0.2.7', 0)).toBe(60)
    expect([bans.has('192.0.2.7', 59_999), bans.has('192.0.2.7', 60_000), bans.has('192.0.2.8', 0)]).toEqual([
      true,
      false,
      false,
    ])
    expect([bans.add('192.0.2.7', 60_000), bans.add('192.0.2.7', 180_000), bans.add('192.0.2.7', 400_000)]).toEqual([
      120, 200, 200,
    ])
  })

  it('are forgotten when an address gave no cause for long', () => {
    const bans = new Bans(limits)
    bans.add('192.0.2.7', 0)
    expect(bans.add('192.0.2.7', 60_000 + 200_000)).toBe(60)
  })

  it('are of a limited number: the oldest one ends, but no ban by an operator', () => {
    const bans = new Bans(limits)
    bans.addByOperator('198.51.100.1', 1_000, 0)
    for (const host of [1, 2, 3, 4]) bans.add(`192.0.2.${host}`, host)
    expect(bans.list(10).map(({ address }) => address)).toEqual(['198.51.100.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'])
    expect(bans.count(10)).toBe(4)
  })

  it('by an operator are for an address, which may be removed', () => {
    const bans = new Bans(limits)
    bans.addByOperator('::ffff:192.0.2.7', 30, 0)
    bans.addByOperator('2001:db8::7', 30, 0)
    expect(bans.list(0)).toEqual([
      { address: '192.0.2.7', untilMs: 30_000, byOperator: true },
      { address: '2001:db8:0:0::/64', untilMs: 30_000, byOperator: true },
    ])
    expect([bans.has('2001:db8:0:0::/64', 0), bans.hasByOperator('192.0.2.7', 0)]).toEqual([true, true])
    expect([bans.remove('2001:db8:0:0::/64', 0), bans.remove('192.0.2.7', 0), bans.remove('192.0.2.7', 0)]).toEqual([
      true,
      true,
      false,
    ])
    expect(bans.list(0)).toEqual([])
    expect(() => bans.addByOperator('kitchen', 1, 0)).toThrow('not kitchen')
    expect(() => bans.addByOperator('192.0.2.7', 0, 0)).toThrow('more than 0 seconds')
    for (const host of [1, 2, 3]) bans.addByOperator(`192.0.2.${host}`, 10, 0)
    expect(() => bans.addByOperator('192.0.2.4', 1, 0)).toThrow('maximumTrackedAddresses')
    bans.addByOperator('192.0.2.4', 1, 10_000)
    expect(bans.count(10_000)).toBe(1)
  })

  it('cross a reset as plain data, also those that are over', () => {
    const bans = new Bans(limits)
    bans.add('192.0.2.7', 0)
    bans.addByOperator('192.0.2.8', 1_000, 0)
    const suspended: unknown = JSON.parse(JSON.stringify({ bans: bans.records(100_000) }))
    const successor = new Bans(limits, banHandover.parse(suspended).bans)
    expect(successor.list(100_000).map(({ address }) => address)).toEqual(['192.0.2.8'])
    expect(successor.add('192.0.2.7', 100_000)).toBe(120)
    expect(banHandover.parse({ host: 'of an older version' })).toEqual({ bans: [] })
  })
})
