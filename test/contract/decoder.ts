/** What every decoder does: run `decoderContract` on each implementation. */

import fc from 'fast-check'
import type { Packet } from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import type { DecoderStage } from '../../src/kinds/pipeline-stage.ts'
import { PacketType } from '../../src/mqtt/packet-type.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { FakeConnection, PacketRecorder } from '../helpers/fake-connection.ts'
import { runs } from '../helpers/full-run.ts'
import { packetBytes, variableByteInteger } from '../helpers/packet-bytes.ts'
import { fuzzSeed, packetStream, parsedByMqttPacket, readable, split, streamOf } from '../helpers/packets.ts'
import { rulingOf } from '../helpers/ruling-of.ts'
import { damageStreams } from './decoder-damage.ts'
import { decoderPublishContract } from './decoder-publish.ts'
import { ILLEGAL_CONNECTS, ILLEGAL_FIXED_HEADERS, ILLEGAL_PACKETS, type IllegalPacket } from './illegal-packets.ts'
import { LEGAL_CONNECTS, LEGAL_PACKETS, type LegalPacket } from './legal-packets.ts'

export interface DecoderLimits {
  readonly maximumPacketSize: number
  readonly maximumConnectPacketSize: number
}

const LIMITS: DecoderLimits = { maximumPacketSize: 300_000, maximumConnectPacketSize: 1000 }
/** Damaged streams that each run of the contract tries: a second or so. */
const DAMAGED_CASES = 20_000
const VERSIONS: readonly ProtocolVersion[] = [3, 4, 5]
const PINGREQ = packetBytes('c0 00')
const CONNECTS: Readonly<Record<ProtocolVersion, Buffer>> = {
  3: packetBytes('10 @ "MQIsdp" 03 02 003c "c"'),
  4: packetBytes('10 @ "MQTT" 04 02 003c "c"'),
  5: packetBytes('10 @ "MQTT" 05 02 003c [] "c"'),
}

/** A decoder at work on a connection of its own. */
const opened = (stage: DecoderStage, version: ProtocolVersion | 0 = 0) => {
  const connection = new FakeConnection()
  const recorder = new PacketRecorder()
  const decoder = stage.open(connection, recorder)
  if (version !== 0) decoder.bytes(CONNECTS[version])
  const feed = (bytes: Uint8Array, chunkLength = bytes.length): void => {
    for (let at = 0; at < bytes.length; at += chunkLength) {
      const chunk = bytes.subarray(at, at + chunkLength)
      const taken = decoder.bytes(chunk)
      if (taken !== chunk.length) expect.fail(`took ${taken} of ${chunk.length} bytes`)
    }
  }
  return { connection, recorder, feed, packets: recorder.packets, errors: recorder.errors }
}

const expectedOf = ({ bytes, packet }: LegalPacket): unknown => {
  if (packet['cmd'] === 'publish') return { retain: false, qos: 0, dup: false, ...packet }
  const encoded = packetBytes(bytes)
  const fixedHeader = encoded.length < 130 ? 2 : 3
  const defaults = {
    retain: false,
    qos: 0,
    dup: false,
    length: encoded.length - fixedHeader,
    topic: null,
    payload: null,
  }
  return { ...defaults, ...packet }
}

const legalOf = (version: ProtocolVersion): readonly LegalPacket[] =>
  LEGAL_PACKETS.filter(({ versions }) => versions.includes(version))

const readsLegalPackets = (make: () => DecoderStage): void => {
  describe.each(['whole', 'byte by byte'] as const)('reads, %s,', (how) => {
    const chunkLength = how === 'whole' ? undefined : 1

    it.each(LEGAL_CONNECTS)('$says', (row) => {
      const { connection, feed, packets, errors } = opened(make())
      feed(packetBytes(row.bytes), chunkLength)
      expect(errors).toEqual([])
      expect(packets).toEqual([expectedOf(row)])
      expect(connection.protocolVersion).toBe(row.versions[0])
    })

    for (const version of VERSIONS) {
      it.each(legalOf(version))(`on a connection of version ${version}: $says`, (row) => {
        const { feed, packets, errors } = opened(make(), version)
        feed(packetBytes(row.bytes), chunkLength)
        expect(errors).toEqual([])
        expect(packets.slice(1)).toEqual([expectedOf(row)])
      })
    }
  })

  it.each(VERSIONS)('reads all packets of version %i in one chunk, in their order', (version) => {
    const { feed, packets, errors } = opened(make(), version)
    feed(Buffer.concat(legalOf(version).map(({ bytes }) => packetBytes(bytes))))
    expect(errors).toEqual([])
    expect(packets.slice(1)).toEqual(legalOf(version).map(expectedOf))
  })
}

const refusesIllegalPackets = (make: () => DecoderStage): void => {
  const expectRefusal = (row: IllegalPacket, version: ProtocolVersion | 0, chunkLength: number | undefined): void => {
    const { feed, packets, errors } = opened(make(), version)
    feed(packetBytes(row.bytes), chunkLength)
    feed(PINGREQ)
    feed(Buffer.alloc(100, 0xff))
    expect(packets.length).toBe(version === 0 ? 0 : 1)
    expect(errors.map(rulingOf)).toEqual([
      {
        reasonCode: ReasonCode[row.reason as keyof typeof ReasonCode],
        message: expect.stringMatching(/^[A-Z].+\.$/),
        ...(row.clause === undefined ? {} : { clause: row.clause }),
      },
    ])
  }
  describe('refuses, and is silent from then on,', () => {
    for (const row of [...ILLEGAL_FIXED_HEADERS, ...ILLEGAL_CONNECTS, ...ILLEGAL_PACKETS]) {
      for (const version of row.versions) {
        it(`${row.says}${version === 0 ? '' : ` (version ${version})`}`, () => {
          expectRefusal(row, version, undefined)
          expectRefusal(row, version, 1)
        })
      }
    }
  })

  it('passes on the packets before the illegal one', () => {
    const { feed, packets, errors } = opened(make(), 4)
    feed(Buffer.concat([PINGREQ, packetBytes('30 @ "a"'), packetBytes('00 00'), PINGREQ]))
    expect(packets.map(({ cmd }) => cmd)).toEqual(['connect', 'pingreq', 'publish'])
    expect(errors).toHaveLength(1)
  })

  it.each([
    ['MQTT 6 in the form of MQTT 5.0', '10 @ "MQTT" 06 02 003c [] "c"', 5],
    ['MQTT 3 in the form of MQTT 3.1.1', '10 @ "MQTT" 03 02 003c "c"', 4],
    ['a mosquitto bridge, which then continues without its extension, in the form of MQTT 3.1.1', '10 @ "MQTT" 84', 4],
    ['MQIsdp 4 in the form of MQTT 3.1.1', '10 @ "MQIsdp" 04 02 003c "c"', 4],
    ['another protocol not at all', '10 @ "AMQP" 00 02 003c "c"', 0],
    ['a mistake behind the version in the form of that version', '10 @ "MQTT" 05 03 003c [] "c"', 5],
  ])('lets the handler answer %s', (_what, bytes, version) => {
    const { connection, feed, errors } = opened(make())
    feed(packetBytes(bytes))
    expect(errors).toHaveLength(1)
    expect(connection.protocolVersion).toBe(version)
  })
}

/** Packets that end too early, with a Remaining Length that says so: nothing may be read beyond their end. */
const refusesTruncatedPackets = (make: () => DecoderStage): void => {
  it.each(VERSIONS)('does not read beyond the end of a packet of version %i, at any end', (version) => {
    const stage = make()
    for (const { bytes } of legalOf(version)) {
      const packet = packetBytes(bytes)
      const body = packet.subarray(packet.length < 130 ? 2 : 3)
      for (let length = 0; length < body.length; length += 1) {
        const header = Buffer.concat([packet.subarray(0, 1), variableByteInteger(length)])
        const { feed, packets, errors } = opened(stage, version)
        feed(Buffer.concat([header, body.subarray(0, length), PINGREQ, packet]))
        const whole = packets.length === 4 && packets[2]?.cmd === 'pingreq' && errors.length === 0
        const refused = packets.length === 1 && errors.length === 1
        if (whole === refused) expect.fail(`${bytes} cut to ${length} bytes`)
      }
    }
  })
}

/** The longest Topic Name and Topic Filter, of empty levels alone. */
const readsLongTopics = (make: () => DecoderStage): void => {
  const slashes = `ffff ${'2f'.repeat(65_535)}`

  it.each(['whole', 'in chunks of 100 bytes'])('takes a topic and a filter of 65,535 slashes, %s', (how) => {
    const { feed, packets, errors } = opened(make(), 4)
    for (const packet of [`30 @ ${slashes} 01`, `82 @ 0001 ${slashes} 00`, `a2 @ 0001 ${slashes}`]) {
      feed(packetBytes(packet), how === 'whole' ? undefined : 100)
    }
    expect(errors).toEqual([])
    expect(packets.slice(1)).toMatchObject([
      { cmd: 'publish', topic: '/'.repeat(65_535) },
      { cmd: 'subscribe', subscriptions: [{ topic: '/'.repeat(65_535) }] },
      { cmd: 'unsubscribe', unsubscriptions: ['/'.repeat(65_535)] },
    ])
  })
}

const boundsSizes = (make: (limits: DecoderLimits) => DecoderStage): void => {
  const publishOf = (size: number): Buffer => packetBytes(`30 @ "a" ${'00'.repeat(size - 5)}`)

  it('takes a packet of the maximum size and refuses a larger one before its body comes', () => {
    const limits = { ...LIMITS, maximumPacketSize: 200 }
    const { feed, packets, errors } = opened(make(limits), 4)
    const largest = publishOf(199)
    expect(largest).toHaveLength(199 + 1)
    feed(largest)
    expect(packets).toHaveLength(2)
    feed(publishOf(200).subarray(0, 3))
    expect(errors).toMatchObject([{ reasonCode: ReasonCode.PacketTooLarge, clause: 'MQTT-3.2.2-15' }])
  })

  it('holds the first packet to a limit of its own', () => {
    const limits = { maximumPacketSize: 1000, maximumConnectPacketSize: 128 }
    const connectOf = (size: number): Buffer => packetBytes(`10 @ "MQTT" 04 02 003c "${'c'.repeat(size - 14)}"`)
    const fits = opened(make(limits))
    fits.feed(connectOf(128))
    expect(fits.packets).toHaveLength(1)
    fits.feed(publishOf(999))
    expect(fits.packets).toHaveLength(2)
    const exceeds = opened(make(limits))
    exceeds.feed(connectOf(129).subarray(0, 2))
    expect(exceeds.errors).toMatchObject([{ reasonCode: ReasonCode.PacketTooLarge }])
  })

  it('applies the limit of the first packet to a client that is not accepted yet', () => {
    const limits = { maximumPacketSize: 1000, maximumConnectPacketSize: 128 }
    const { connection, feed, packets, errors } = opened(make(limits), 4)
    connection.authenticating = true
    feed(publishOf(128))
    expect(packets).toHaveLength(2)
    feed(publishOf(129).subarray(0, 3))
    expect(errors).toMatchObject([{ reasonCode: ReasonCode.PacketTooLarge }])
  })

  it('says the size of a packet that is too large, the limit and the name of its value', () => {
    const limits = { maximumPacketSize: 1000, maximumConnectPacketSize: 128 }
    for (const [version, size, named] of [
      [0, 129, 'maximumConnectPacketSize (128)'],
      [4, 1001, 'maximumPacketSize (1000)'],
    ] as const) {
      const { feed, errors } = opened(make(limits), version)
      feed(
        packetBytes(
          `${version === 0 ? '10' : '30'} ${variableByteInteger(size < 130 ? 127 : size - 3).toString('hex')}`,
        ),
      )
      expect(errors[0]?.message).toMatch(new RegExp(`^The packet has ${size} bytes, more than \\w+\\.`))
      expect(errors[0]?.message).toContain(named)
    }
  })

  it('refuses at its fourth byte the announcement of 256 MB', () => {
    const { feed, errors } = opened(make(LIMITS), 4)
    feed(packetBytes('30 ffffff'))
    expect(errors).toEqual([])
    feed(packetBytes('7f'))
    expect(errors).toMatchObject([{ reasonCode: ReasonCode.PacketTooLarge }])
  })
}

const endsWithTheConnection = (make: () => DecoderStage): void => {
  it('drops what follows a packet upon which the handler closed the connection [MQTT-3.1.4-6]', () => {
    const connection = new FakeConnection()
    const packets: Packet[] = []
    const decoder = make().open(connection, {
      packet(packet) {
        packets.push(packet)
        connection.close('enough')
      },
      publish: () => expect.unreachable(),
      fail: () => expect.unreachable(),
    })
    decoder.bytes(Buffer.concat([CONNECTS[4], PINGREQ, packetBytes('00 00')]))
    decoder.bytes(PINGREQ)
    expect(packets).toHaveLength(1)
  })

  it('continues a connection whose CONNECT another decoder has read', () => {
    const { connection } = opened(make(), 5)
    const recorder = new PacketRecorder()
    const successor = make().open(connection, recorder)
    successor.bytes(packetBytes('30 @ "a" []'))
    successor.bytes(CONNECTS[5])
    expect(recorder.packets).toMatchObject([{ cmd: 'publish', topic: 'a' }])
    expect(recorder.errors).toMatchObject([{ clause: 'MQTT-3.1.0-2' }])
  })

  it('keeps connections apart', () => {
    const stage = make()
    const first = opened(stage, 5)
    const second = opened(stage, 3)
    first.feed(packetBytes('30 @ "a" []').subarray(0, 3))
    second.feed(packetBytes('30 @ "b"').subarray(0, 4))
    first.feed(packetBytes('30 @ "a" []').subarray(3))
    second.feed(packetBytes('30 @ "b"').subarray(4))
    expect(first.packets.at(-1)).toMatchObject({ topic: 'a' })
    expect(second.packets.at(-1)).toMatchObject({ topic: 'b' })
    first.feed(packetBytes('82 @ 0001 [] "a" 2c'))
    second.feed(packetBytes('82 @ 0001 "a" 01'))
    expect(first.packets.at(-1)).toMatchObject({ subscriptions: [{ topic: 'a', qos: 0, nl: true, rap: true, rh: 2 }] })
    expect(second.packets.at(-1)).toMatchObject({ subscriptions: [{ topic: 'a', qos: 1 }] })
  })

  it('takes bytes as a plain Uint8Array', () => {
    const { feed, packets } = opened(make(), 4)
    feed(new Uint8Array(packetBytes('30 @ "a" 01')))
    expect(packets.at(-1)).toMatchObject({ topic: 'a', payload: Buffer.from([1]) })
  })
}

const stopsWhilePaused = (make: () => DecoderStage): void => {
  it('stops behind the packet that paused the connection, returns how much it took, and continues from there', () => {
    const connection = new FakeConnection()
    const seen: string[] = []
    const pauseAt = (what: string): void => {
      seen.push(what)
      connection.pause()
    }
    const decoder = make().open(connection, {
      packet: ({ cmd }) => pauseAt(cmd),
      publish: ({ message }) => pauseAt(`publish ${message.topic}`),
      fail: ({ message }) => pauseAt(message),
    })
    const packets = [CONNECTS[4], PINGREQ, packetBytes('32 @ "a" 0001'), packetBytes('30 @ "b"'), packetBytes('00')]
    let rest = Buffer.concat(packets)
    for (const { length } of packets) {
      expect(decoder.bytes(rest)).toBe(length)
      expect(decoder.bytes(rest.subarray(length))).toBe(0)
      rest = rest.subarray(length)
      connection.resume()
    }
    expect(seen).toEqual(['connect', 'pingreq', 'publish a', 'publish b', 'Packet type 0 is reserved.'])
  })

  it('takes all bytes if it is paused and resumed within a packet, or in the middle of a packet', () => {
    const { connection, recorder, packets, feed } = opened(make(), 4)
    const packet = packetBytes('30 @ "abc" 010203')
    feed(packet.subarray(0, 4))
    connection.pause()
    connection.resume()
    feed(packet.subarray(4))
    recorder.packet = () => {
      connection.pause()
      connection.resume()
    }
    feed(Buffer.concat([PINGREQ, packet]))
    expect(packets.map(({ cmd }) => cmd)).toEqual(['connect', 'publish', 'publish'])
  })

  it('drops what follows a packet upon which the connection was paused and closed', () => {
    const { connection, recorder, feed } = opened(make(), 4)
    recorder.packet = () => {
      connection.pause()
      connection.close('enough')
    }
    feed(Buffer.concat([PINGREQ, PINGREQ]))
    feed(PINGREQ)
  })
}

/** What a decoder and mqtt-packet's parser have in common: the one has no `length` of a PUBLISH, the other no bytes of a will. */
const comparable = (packet: Packet): unknown => {
  const { willProperties: _, ...fields } = readable(packet) as Record<string, unknown>
  if (packet.cmd === 'publish') delete fields['length']
  return fields
}

const agreesWithMqttPacket = (make: () => DecoderStage): void => {
  it('reads legal packets as mqtt-packet does, however the bytes are split', () => {
    fc.assert(
      fc.property(packetStream, fc.array(fc.nat(), { maxLength: 12 }), ({ packets }, cuts) => {
        const expected = parsedByMqttPacket(packets).map(comparable)
        const { feed, recorder } = opened(make())
        for (const chunk of split(Buffer.concat(packets), cuts)) feed(chunk)
        expect(recorder.errors).toEqual([])
        expect(recorder.packets.map(comparable)).toEqual(expected)
      }),
      { numRuns: runs(300), seed: fuzzSeed },
    )
  })
}

/** The same packet of MQTT 3.1, but for the flags that it does not use. @param noise where these are taken from. */
const withUnusedFlags = (packet: Buffer, noise: number): Buffer => {
  const firstByte = packet[0]!
  const type = firstByte >> 4
  if (type === PacketType.Publish) return packet
  const repeatable = type === PacketType.Pubrel || type === PacketType.Subscribe || type === PacketType.Unsubscribe
  const unused = repeatable ? 0b0111 : 0b1111
  return Buffer.concat([Buffer.from([(firstByte & ~unused) | (noise & unused)]), packet.subarray(1)])
}

const readsUnusedFlags = (make: () => DecoderStage): void => {
  it('reads packets of MQTT 3.1 as mqtt-packet does without the flags that this version does not use', () => {
    fc.assert(
      fc.property(streamOf(3), fc.array(fc.nat(0b1111), { minLength: 9, maxLength: 9 }), ({ packets }, noise) => {
        const { feed, recorder } = opened(make())
        feed(Buffer.concat(packets.map((packet, index) => withUnusedFlags(packet, noise[index]!))))
        expect(recorder.errors).toEqual([])
        expect(recorder.packets.map(comparable)).toEqual(parsedByMqttPacket(packets).map(comparable))
      }),
      { numRuns: runs(300), seed: fuzzSeed },
    )
  })
}

const survivesDamage = (make: () => DecoderStage): void => {
  it('gives the same result for damaged packets split in any way, fails at most once, and never throws', () => {
    const cases = runs(DAMAGED_CASES)
    const { refused } = damageStreams(make(), cases, fuzzSeed)
    // Most damage is noticed; what is not lies in payloads and texts, or cuts a packet short.
    expect(refused).toBeGreaterThan(cases / 3)
  })
}

/** @param make a decoder stage of the implementation under test, with these limits in bytes. */
export const decoderContract = (make: (limits: DecoderLimits) => DecoderStage): void => {
  const withLimits = (): DecoderStage => make(LIMITS)
  readsLegalPackets(withLimits)
  refusesIllegalPackets(withLimits)
  refusesTruncatedPackets(withLimits)
  readsLongTopics(withLimits)
  boundsSizes(make)
  endsWithTheConnection(withLimits)
  stopsWhilePaused(withLimits)
  decoderPublishContract(withLimits)
  agreesWithMqttPacket(withLimits)
  readsUnusedFlags(withLimits)
  survivesDamage(withLimits)
}
