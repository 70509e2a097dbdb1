/**
 * Sessions with QoS 1 and 2 under faults at every step: clients of MQTT 3.1.1 and 5.0, which publish and subscribe, lose
 * their connections while packets are under way in either direction, come back before or after the broker notices, and
 * answer late; and what the store is told becomes durable at any later time. A random sequence of all that must leave
 * nothing lost, nothing at QoS 2 twice, nothing out of order, and nothing behind.
 */

import fc, { type Arbitrary } from 'fast-check'
import type { ControlledStore } from '../../helpers/controlled-store.ts'
import { fuzzSeed } from '../../helpers/packets.ts'
import { SlowStore } from '../../helpers/slow-store.ts'
import type { WorldCommand } from './commands.ts'
import { World } from './world.ts'

/**
 * @param runs how many sequences are tried.
 * @param store makes an empty store.
 * @throws with the shortest sequence found that breaks a promise.
 */
export const survives = async (
  commands: readonly Arbitrary<WorldCommand>[],
  runs: number,
  store: () => ControlledStore | Promise<ControlledStore> = () => new SlowStore(),
): Promise<void> => {
  const sequences = fc.commands([...commands], { maxCommands: 120, size: 'max' })
  const property = fc.asyncProperty(sequences, async (sequence) => {
    const world = await World.begin(await store())
    try {
      await fc.asyncModelRun(() => ({ model: world, real: world }), sequence)
      await world.end()
    } finally {
      await world.stop()
    }
  })
  await fc.assert(property, { seed: fuzzSeed, numRuns: runs })
}
