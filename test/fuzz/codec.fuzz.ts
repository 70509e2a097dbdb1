/**
 * The codec against a million damaged streams: `npm run fuzz`. `FUZZ_CASES=5000000 FUZZ_SEED=7 npm run fuzz` tries more,
 * and others. A failure prints its seed and its bytes; a few thousand cases of the same run in `npm test`.
 */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mqttDecoder } from '../../components/mqtt-decoder/index.ts'
import type { DecoderStage } from '../../src/kinds/pipeline-stage.ts'
import { damageStreams } from '../contract/decoder-damage.ts'
import { roundTrip } from '../helpers/codec-round-trip.ts'
import { lifecycleContext } from '../helpers/lifecycle-context.ts'
import { fuzzSeed, packetStream } from '../helpers/packets.ts'

const CASES = Number(process.env['FUZZ_CASES'] ?? 1_000_000)
const BATCH = 50_000
/** Processor time for a byte, in microseconds: far more than any machine needs, far less than quadratic work needs. */
const MAXIMUM_MICROSECONDS_PER_BYTE = 100

const context = lifecycleContext('decoder')
const stage = mqttDecoder.start(mqttDecoder.config.parse({ maximumPacketSize: 300_000 }), {}, context) as DecoderStage
const batches = Array.from({ length: Math.ceil(CASES / BATCH) }, (_, index) => ({
  seed: fuzzSeed + index,
  cases: Math.min(BATCH, CASES - index * BATCH),
}))

describe(`damaged streams, ${CASES} of them from seed ${fuzzSeed}`, () => {
  it.each(batches)('$cases from seed $seed', ({ seed, cases }) => {
    const before = process.cpuUsage()
    const damage = damageStreams(stage, cases, seed)
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / damage.bytes).toBeLessThan(MAXIMUM_MICROSECONDS_PER_BYTE)
    expect(damage.refused).toBeGreaterThan(cases / 3)
    expect(damage.publishes).toBeGreaterThan(0)
  })
})

it(`${CASES / 100} legal streams come out of the encoder as they went into the decoder`, () => {
  fc.assert(
    fc.property(packetStream, ({ version, packets }) => roundTrip(version, Buffer.concat(packets))),
    { numRuns: Math.ceil(CASES / 100), seed: fuzzSeed },
  )
})
