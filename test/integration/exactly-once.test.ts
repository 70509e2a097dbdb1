/**
 * Sessions with QoS 1 and 2 under faults at every step: clients of MQTT 3.1.1 and 5.0, which publish and subscribe, lose
 * their connections while packets are under way in either direction, come back before or after the broker notices, and
 * answer late; and what the store is told becomes durable at any later time. A random sequence of all that must leave
 * nothing lost, nothing at QoS 2 twice, nothing out of order, and nothing behind.
 */

import fc, { type Arbitrary } from 'fast-check'
import { test } from 'vitest'
import { fuzzSeed } from '../helpers/packets.ts'
import { allFaults, networkFaults, type WorldCommand } from './exactly-once/commands.ts'
import { World } from './exactly-once/world.ts'

const survives = (commands: readonly Arbitrary<WorldCommand>[]) =>
  fc.asyncProperty(fc.commands([...commands], { maxCommands: 120, size: 'max' }), async (sequence) => {
    const world = await World.begin()
    try {
      await fc.asyncModelRun(() => ({ model: world, real: world }), sequence)
      await world.end()
    } finally {
      await world.stop()
    }
  })

test('QoS 1 comes at least once, QoS 2 exactly once, all in order, whatever happens to the network', async () => {
  await fc.assert(survives(networkFaults), { seed: fuzzSeed, numRuns: 300 })
})

test('the same holds when the broker crashes and comes back with what was durable', async () => {
  await fc.assert(survives(allFaults), { seed: fuzzSeed, numRuns: 300 })
})
