/** Sessions with QoS 1 and 2 under ten thousand sequences of faults: `npm run fuzz`. A failure prints the shortest it finds. */

import { it } from 'vitest'
import { allFaults, networkFaults } from '../integration/exactly-once/commands.ts'
import { survives } from '../integration/exactly-once/survives.ts'

const RUNS = Math.ceil(Number(process.env['FUZZ_CASES'] ?? 1_000_000) / 100)

it(`${RUNS} sequences of faults of the network`, () => survives(networkFaults, RUNS))

it(`${RUNS} sequences of faults of the network and crashes of the broker`, () => survives(allFaults, RUNS))
