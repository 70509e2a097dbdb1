/** Packets that were damaged at random, by the thousand or the million: what no decoder may do with them. */

import fc from 'fast-check'
import { expect } from 'vitest'
import type { DecoderStage } from '../../src/kinds/pipeline-stage.ts'
import { FakeConnection, PacketRecorder } from '../helpers/fake-connection.ts'
import { runs } from '../helpers/full-run.ts'
import { mutated, randomBelow } from '../helpers/mutate.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { packetStream, readable, split } from '../helpers/packets.ts'
import { packetOf } from '../helpers/publish-packet.ts'
import { rulingOf } from '../helpers/ruling-of.ts'
import { LEGAL_CONNECTS, LEGAL_PACKETS } from './legal-packets.ts'

/** Streams of legal packets to begin with, beside those made of the tables. */
const STREAMS = 500
/** Bytes of memory that a decoder may take for a stream beside a few for each of its bytes. */
const ALLOCATED = 8192
/** The same for each byte of the stream. */
const ALLOCATED_PER_BYTE = 8

export interface Damage {
  readonly cases: number
  /** Bytes of all streams. */
  readonly bytes: number
  /** Streams in which a packet was refused. */
  readonly refused: number
  readonly publishes: number
}

/**
 * Damages legal streams and feeds each to the decoder, whole and split at random places. A decoder says the same in
 * either case, fails at most once and is silent afterwards, takes memory and copies in proportion to the bytes, and never
 * throws. Anything else fails the test, with the bytes.
 */
export const damageStreams = (stage: DecoderStage, cases: number, seed: number): Damage => {
  const streams = [...streamsOfTables(), ...streamsAtRandom(seed)]
  const random = randomBelow(seed)
  const damage = { cases, bytes: 0, refused: 0, publishes: 0 }
  for (let index = 0; index < cases; index += 1) {
    const bytes = mutated(streams[random(streams.length)]!, random)
    if (bytes.length === 0) continue
    const cuts = Array.from({ length: random(6) }, () => random(1 << 16))
    const chunks = random(50) === 0 ? byteByByte(bytes) : split(bytes, cuts)
    const whole = outcome(stage, [bytes])
    // Plain comparisons: `expect` would take longer than the decoder.
    const failWith = (what: string) => expect.fail(`${what} (seed ${seed}, cuts ${cuts}): ${bytes.toString('hex')}`)
    if (outcome(stage, chunks) !== whole) failWith('not the same when split')
    const failures = whole.split('"message":').length - 1
    if (failures > 1) failWith(`fails ${failures} times`)
    if (failures === 1 && !whole.endsWith('"}]')) failWith('continues after a failure')
    if (whole.includes('cannot be read')) failWith('an illegal packet passed the check')
    if (workOf(stage, chunks) > ALLOCATED + ALLOCATED_PER_BYTE * bytes.length) failWith('takes too much memory')
    damage.bytes += bytes.length
    damage.refused += failures
    damage.publishes += whole.split('"cmd":"publish"').length - 1
  }
  return damage
}

/** All rows of each version, in one stream. */
const streamsOfTables = (): Buffer[] =>
  LEGAL_CONNECTS.map(({ bytes, versions }) => {
    const packets = LEGAL_PACKETS.filter((row) => row.versions.includes(versions[0]!))
    return Buffer.concat([bytes, ...packets.map((row) => row.bytes)].map(packetBytes))
  })

const streamsAtRandom = (seed: number): Buffer[] =>
  fc.sample(packetStream, { numRuns: runs(STREAMS), seed }).map(({ packets }) => Buffer.concat(packets))

const byteByByte = (bytes: Buffer): Buffer[] => Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))

/** Everything that a decoder says about some bytes, as text. */
const outcome = (stage: DecoderStage, chunks: readonly Buffer[]): string => {
  const said: unknown[] = []
  const recorder = new PacketRecorder()
  recorder.packet = (packet) => said.push(readable(packet))
  recorder.publish = (publish) => said.push(readable(packetOf(publish)))
  recorder.fail = (error) => said.push(rulingOf(error))
  const decoder = stage.open(new FakeConnection(), recorder)
  for (const chunk of chunks) {
    const taken = decoder.bytes(chunk)
    if (taken !== chunk.length) expect.fail(`took ${taken} of ${chunk.length} bytes`)
  }
  return JSON.stringify(said)
}

/** The larger of the bytes that a decoder allocates and copies, while it reads packets that are not kept. */
const workOf = (stage: DecoderStage, chunks: readonly Buffer[]): number => {
  const ignore = () => undefined
  const decoder = stage.open(new FakeConnection(), { packet: ignore, publish: ignore, fail: ignore })
  let allocated = 0
  let copied = 0
  const { allocUnsafe } = Buffer
  const { set } = Uint8Array.prototype
  Buffer.allocUnsafe = (size) => {
    allocated += size
    return allocUnsafe(size)
  }
  Uint8Array.prototype.set = function (this: Uint8Array, source, offset) {
    copied += source.length
    set.call(this, source, offset)
  }
  try {
    for (const chunk of chunks) decoder.bytes(chunk)
  } finally {
    Buffer.allocUnsafe = allocUnsafe
    Uint8Array.prototype.set = set
  }
  return Math.max(allocated, copied)
}
