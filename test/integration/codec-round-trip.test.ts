import fc from 'fast-check'
import { it } from 'vitest'
import { roundTrip } from '../helpers/codec-round-trip.ts'
import { runs } from '../helpers/full-run.ts'
import { fuzzSeed, packetStream } from '../helpers/packets.ts'

it('every PUBLISH that is decoded is encoded with the same meaning, and its forwarded properties byte for byte', () => {
  fc.assert(
    fc.property(packetStream, ({ version, packets }) => roundTrip(version, Buffer.concat(packets))),
    { numRuns: runs(1000), seed: fuzzSeed },
  )
})
