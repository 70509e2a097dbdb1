import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import type { PublishRun } from '../../src/mqtt/publish-run.ts'
import { FakeConnection, PacketRecorder } from '../../test/helpers/fake-connection.ts'
import { runs } from '../../test/helpers/full-run.ts'
import { packetBytes } from '../../test/helpers/packet-bytes.ts'
import { fuzzSeed } from '../../test/helpers/packets.ts'
import { ConnectionDecoder } from './connection-decoder.ts'
import { SharedDecoding } from './shared-decoding.ts'

/** Takes runs, or refuses them, and writes down what each packet was and how it came. */
class RunRecorder extends PacketRecorder {
  readonly frames: string[] = []
  /** How many packets each run had that was offered. */
  readonly runs: number[] = []
  readonly #takes: (run: PublishRun) => boolean

  constructor(takes: (run: PublishRun) => boolean) {
    super()
    this.#takes = takes
  }

  publishRun(run: PublishRun): boolean {
    this.runs.push(run.count)
    if (!this.#takes(run)) return false
    const { message } = run
    let [count, longest, at] = [0, 0, message.frameStart]
    run.each((each) => {
      const { topic, properties, payload, qos, retain, bytes, frameStart, frameEnd, frameVersion } = each
      expect([qos, retain, frameVersion, frameStart]).toEqual([message.qos, false, message.frameVersion, at])
      expect(frameVersion === 0).toBe(qos === 1)
      const identifier = qos === 0 ? 0 : run.packetIdentifiers[count]
      expect([topic, properties]).toEqual([message.topic, message.properties])
      const frame = qos === 0 ? bytes.toString('hex', frameStart, frameEnd) : '-'
      this.frames.push(`${frame} ${topic} ${payload} ${identifier}`)
      count += 1
      longest = Math.max(longest, frameEnd - frameStart)
      at = frameEnd
    })
    expect([count, longest, at]).toEqual([run.count, run.longest, run.end])
    expect(run.size).toBe(run.end - message.frameStart)
    return true
  }

  override publish(publish: Parameters<PacketRecorder['publish']>[0]): void {
    super.publish(publish)
    const { bytes, frameStart, frameEnd, frameVersion, topic, payload } = publish.message
    const frame = frameVersion === 0 ? '-' : bytes.toString('hex', frameStart, frameEnd)
    this.frames.push(`${frame} ${topic} ${payload} ${publish.packetIdentifier}`)
  }
}

const opened = (recorder: PacketRecorder, version: ProtocolVersion, maximumPacketSize = 100_000) => {
  const connection = new FakeConnection()
  connection.protocolVersion = version
  const shared = new SharedDecoding({ maximumPacketSize, maximumConnectPacketSize: 1000 })
  return { connection, decoder: new ConnectionDecoder(connection, recorder, shared) }
}

const ALIKE = '30 @ "topic" \'1\'|30 @ "topic" \'22\'|30 @ "topic"'
const ALIKE_5 = '30 @ "t" [26 "k" "v"] \'1\'|30 @ "t" [26 "k" "v"] \'22\''

/** Packets in one chunk. @returns the sizes of the runs that were offered, and how many packets came. */
const runsIn = (notation: string, version: ProtocolVersion = 4, takes = true) => {
  const recorder = new RunRecorder(() => takes)
  const { decoder } = opened(recorder, version, 60_000)
  const chunk = Buffer.concat(notation.split('|').map(packetBytes))
  decoder.bytes(chunk)
  return { runs: recorder.runs, packets: recorder.frames.length, errors: recorder.errors.length }
}

describe('consecutive PUBLISH packets that differ only in their payloads', () => {
  it.each([
    ['in MQTT 3', ALIKE, 4, [3]],
    ['in MQTT 5.0, with their properties', ALIKE_5, 5, [2]],
    ['and others behind them that say the same among themselves', `${ALIKE}|30 @ "other"|30 @ "other"`, 4, [3, 2]],
    ['of different sizes of Remaining Length', `${ALIKE}|30 @ "topic" '${'x'.repeat(200)}'`, 4, [4]],
    ['behind a packet of another kind', `c0 00|${ALIKE}`, 4, [3]],
    ['at QoS 1', '32 @ "a" 0001|32 @ "a" 0002 \'1\'|32 @ "a" ffff \'2\'', 4, [3]],
    ['at QoS 1 in MQTT 5.0', '32 @ "a" 0001 [26 "k" "v"]|32 @ "a" 0002 [26 "k" "v"] \'1\'', 5, [2]],
    ['at QoS 1, and behind it some at QoS 0', `32 @ "a" 0001|32 @ "a" 0002|${ALIKE}`, 4, [2, 3]],
  ] as const)('are one run %s', (_what, notation, version, runs) => {
    expect(runsIn(notation, version)).toMatchObject({ runs, errors: 0 })
  })

  it.each([
    ['another topic', `${ALIKE}|30 @ "topik"`, 4],
    ['a longer topic', `${ALIKE}|30 @ "topics"`, 4],
    ['a shorter topic', `${ALIKE}|30 @ "topi"`, 4],
    ['RETAIN', `${ALIKE}|31 @ "topic"`, 4],
    ['QoS 1', `${ALIKE}|32 @ "topic" 0001`, 4],
    ['other properties', `${ALIKE_5}|30 @ "t" [26 "k" "w"]`, 5],
    ['fewer properties', `${ALIKE_5}|30 @ "t" []`, 5],
    ['another kind', `${ALIKE}|c0 00`, 4],
    ['a part of it alone', `${ALIKE}|30 7f 0005 "top"`, 4],
    ['its first byte alone', `${ALIKE}|30`, 4],
    ['half a Remaining Length', `${ALIKE}|30 87`, 4],
  ] as const)('end before a packet with %s', (_what, notation, version) => {
    expect(runsIn(notation, version)).toMatchObject({ runs: [version === 5 ? 2 : 3], errors: 0 })
  })

  it.each([
    ['a Remaining Length that is longer than it must be', `${ALIKE}|30 8700 0005 'topic'`],
    ['a Remaining Length of five bytes', `${ALIKE}|30 ffffffff7f`],
    ['more than is taken', `${ALIKE}|30 @ "topic" '${'x'.repeat(60_000)}'`],
    ['a topic that is cut off', `${ALIKE}|30 03 000574`],
  ])('end before a packet with %s, which is refused as ever', (_what, notation) => {
    expect(runsIn(notation)).toEqual({ runs: [3], packets: 3, errors: 1 })
  })

  it.each([
    ['RETAIN', '31 @ "a"', 4],
    ['QoS 2', '34 @ "a" 0001', 4],
    ['DUP', '3a @ "a" 0001', 4],
    ['RETAIN at QoS 1', '33 @ "a" 0001', 4],
    ['a Topic Alias', '30 @ "a" [23 0001]', 5],
    ['a Message Expiry Interval', '30 @ "a" [02 00000001]', 5],
  ] as const)('are no run with %s', (_what, packet, version) => {
    expect(runsIn(`${packet}|${packet}`, version)).toEqual({ runs: [], packets: 2, errors: 0 })
  })

  it('are runs of 16 KiB at most, and of two packets at least', () => {
    const packet = `30 @ "topic" '${'x'.repeat(1011)}'`
    expect(packetBytes(packet)).toHaveLength(1021)
    expect(runsIn(Array(40).fill(packet).join('|'))).toMatchObject({ runs: [16, 16, 8], packets: 40 })
    const large = `30 @ "topic" '${'x'.repeat(17_000)}'`
    expect(runsIn(`${large}|${large}`)).toMatchObject({ runs: [], packets: 2 })
  })

  it('are runs of at most 256 packets at QoS 1, and end before a packet without a Packet Identifier, which is refused', () => {
    const packets = Array(600).fill('32 @ "a" 0001')
    expect(runsIn(packets.join('|'))).toMatchObject({ runs: [256, 256, 88], packets: 600, errors: 0 })
    expect(runsIn([...packets.slice(0, 3), '32 @ "a" 0000'].join('|'))).toEqual({ runs: [3], packets: 3, errors: 1 })
  })

  it('come one by one if the next stage refuses the run, which it does once', () => {
    expect(runsIn(`${ALIKE}|30 @ "other"|30 @ "other"`, 4, false)).toEqual({ runs: [3, 2], packets: 5, errors: 0 })
  })

  it('come one by one to a stage without runs', () => {
    const recorder = new PacketRecorder()
    opened(recorder, 4).decoder.bytes(Buffer.concat(ALIKE.split('|').map(packetBytes)))
    expect(recorder.publishes.map(({ message }) => message.payload.toString())).toEqual(['1', '22', ''])
  })

  it('wait behind a run upon which the connection was paused', () => {
    const recorder = new RunRecorder(() => {
      connection.paused = true
      return true
    })
    const { connection, decoder } = opened(recorder, 4)
    const chunk = Buffer.concat(`${ALIKE}|c0 00`.split('|').map(packetBytes))
    expect(decoder.bytes(chunk)).toBe(chunk.length - 2)
    expect([recorder.frames.length, recorder.packets.length]).toEqual([3, 0])
  })
})

const publishPacket = (version: ProtocolVersion) =>
  fc
    .record({
      first: fc.constantFrom('30', '30', '30', '30', '31', '32', '32', '32', '32', '3a'),
      identifier: fc.constantFrom('0001', '0001', '0002', 'ff00'),
      topic: fc.constantFrom('a', 'a', 'b', 'ab', 'é/+'.replace('+', 'c')),
      properties: fc.constantFrom('[]', '[]', '[26 "k" "v"]', '[26 "k" "w"]', '[23 0001]', '[02 00000009]', '[01 01]'),
      payload: fc.constantFrom('', 'x', 'yy', 'z'.repeat(130)),
    })
    .map(({ first, topic, properties, payload, identifier }) =>
      packetBytes(
        `${first} @ "${topic}" ${first === '32' || first === '3a' ? identifier : ''} ${version === 5 ? properties : ''} '${payload}'`,
      ),
    )
const anyPacket = (version: ProtocolVersion) =>
  fc.oneof({ weight: 20, arbitrary: publishPacket(version) }, fc.constantFrom(packetBytes('c0 00'), Buffer.of(0xff)))

it.each([4, 5] as const)('version %i: split in any way and passed to any stage, they are the same', (version) => {
  fc.assert(
    fc.property(
      fc.array(anyPacket(version), { maxLength: 40 }),
      fc.infiniteStream(fc.nat({ max: 200 })),
      fc.infiniteStream(fc.boolean()),
      (packets, sizes, answers) => {
        const bytes = Buffer.concat(packets)
        const expected = new RunRecorder(() => expect.unreachable())
        const singly = opened(expected, version).decoder
        for (const packet of packets) singly.bytes(packet)
        const recorder = new RunRecorder(() => answers.next().value)
        const { decoder } = opened(recorder, version)
        for (let at = 0; at < bytes.length; ) {
          const end = at + 1 + sizes.next().value
          decoder.bytes(bytes.subarray(at, end))
          at = end
        }
        // A packet whose fixed header was split has no frame.
        const frames = expected.frames.map((frame, index) =>
          recorder.frames[index]?.startsWith('-') ? frame.replace(/^\S+/, '-') : frame,
        )
        expect(recorder.frames).toEqual(frames)
        expect(recorder.errors).toEqual(expected.errors)
      },
    ),
    { seed: fuzzSeed, numRuns: runs(500) },
  )
})
