/**
 * A connection that is cut at any point, also while the store has not written everything and with a crash of the process, between a
 * bridge and a remote broker that keeps to the specification: QoS 1 comes, QoS 2 comes once.
 */

import fc from 'fast-check'
import { describe, it } from 'vitest'
import { CutBridge } from '../../test/helpers/cut-bridge.ts'
import { runs } from '../../test/helpers/full-run.ts'

type Step = (bridge: CutBridge) => void | Promise<void>

const qos = fc.constantFrom<1 | 2>(1, 2, 2)
const named = (name: string, step: Step): readonly [string, Step] => [name, step]
const step = fc.oneof(
  { weight: 3, arbitrary: qos.map((of) => named(`publish here ${of}`, (bridge) => bridge.publishHere(of))) },
  { weight: 3, arbitrary: qos.map((of) => named(`publish there ${of}`, (bridge) => bridge.publishThere(of))) },
  {
    weight: 10,
    arbitrary: fc
      .tuple(fc.constantFrom<'here' | 'there'>('here', 'there'), fc.integer({ min: 1, max: 4 }))
      .map(([side, count]) => named(`arrive ${side} ${count}`, (bridge) => bridge.arrive(side, count))),
  },
  { weight: 3, arbitrary: fc.boolean().map((by) => named(`cut ${by}`, (bridge) => bridge.cut(by))) },
  { weight: 4, arbitrary: fc.constant(named('connect', (bridge) => bridge.connect())) },
  { weight: 2, arbitrary: fc.constant(named('settle', (bridge) => bridge.settle())) },
  { weight: 2, arbitrary: fc.constant(named('settle oldest', (bridge) => bridge.settleOldest())) },
  { weight: 2, arbitrary: fc.constant(named('end batch', (bridge) => bridge.endBatch())) },
  { weight: 1, arbitrary: fc.constant(named('crash', (bridge) => bridge.crash())) },
)

describe.each([4, 5] as const)('over MQTT %i', (version) => {
  it('cuts, slow writes and crashes in any order lose nothing and bring QoS 2 once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80, size: 'max' }), async (steps) => {
        const bridge = new CutBridge(version)
        await bridge.begin()
        for (const [, take] of steps) await take(bridge)
        await bridge.check()
      }),
      { numRuns: runs(400) },
    )
  })
})
