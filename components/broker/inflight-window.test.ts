import { beforeEach, describe, expect, it } from 'vitest'
import { TICK_MS } from '../../src/mqtt/tick.ts'
import { InflightWindow } from './inflight-window.ts'

const window = new InflightWindow()
beforeEach(() => window.open(20, 1_000, 0))

/** So many messages are acknowledged at this time. */
const acknowledge = (count: number, nowMs: number, wants = true) => {
  for (let n = 0; n < count; n += 1) if (window.acknowledged()) window.acknowledgedAll(nowMs, wants)
  return window.size
}

describe('the window of messages in flight', () => {
  it('doubles with each window that is acknowledged promptly while more messages wait, up to its most', () => {
    expect(acknowledge(19, TICK_MS)).toBe(20)
    expect(acknowledge(1, TICK_MS)).toBe(40)
    expect([40, 80, 160, 320, 640, 1_000].map((count) => acknowledge(count, TICK_MS))).toEqual([
      ...[80, 160, 320, 640, 1_000],
      1_000,
    ])
  })

  it('stays as it is when nothing waits', () => {
    expect(acknowledge(100, 0, false)).toBe(20)
  })

  it('stays where it began for a client that takes longer, and is halved down to there', () => {
    expect(acknowledge(20, 10_000)).toBe(20)
    expect(acknowledge(60, 10_000)).toBe(80)
    expect([80, 40, 20].map((count, n) => acknowledge(count, 20_000 + n * 1_000))).toEqual([40, 20, 20])
  })

  it('starts again with a connection, and never exceeds the maximum', () => {
    acknowledge(60, 0)
    window.close()
    expect(window.size).toBe(0)
    window.open(20, 1_000, 0)
    expect(window.size).toBe(20)
    window.open(20, 3, 0)
    expect([window.size, acknowledge(30, 0)]).toEqual([3, 3])
  })
})
