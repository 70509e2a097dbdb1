/** What every encoder does: run `encoderContract` on each implementation. */

import fc from 'fast-check'
import { generate, type IPublishPacket, type Packet } from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import type { EncoderStage } from '../../src/kinds/pipeline-stage.ts'
import { acknowledgementName } from '../../src/mqtt/acknowledgement.ts'
import { Message, type MessageFields } from '../../src/mqtt/message.ts'
import { PacketType } from '../../src/mqtt/packet-type.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { Publish, type PublishFields } from '../../src/mqtt/publish.ts'
import { publishSize } from '../../src/mqtt/publish-size.ts'
import { ByteRecorder, FakeConnection } from '../helpers/fake-connection.ts'
import { runs } from '../helpers/full-run.ts'
import { runOf } from '../helpers/mailbox.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { acknowledgement, fuzzSeed, publish } from '../helpers/packets.ts'
import { pass, publishOf } from '../helpers/publish-packet.ts'
import { FITTED_PACKETS, SENT_PACKETS } from './sent-packets.ts'

const VERSIONS: readonly ProtocolVersion[] = [3, 4, 5]

/** The packet with the properties of its transmission in front of those of its message, as they are written. */
const ownFirst = (packet: Packet): Packet => {
  if (packet.cmd !== 'publish' || packet.properties === undefined) return packet
  const { messageExpiryInterval, topicAlias, subscriptionIdentifier, ...others } = packet.properties
  const properties = { messageExpiryInterval, topicAlias, subscriptionIdentifier, ...others }
  return { ...packet, properties } as Packet
}

/** An encoder at work on a connection of its own. */
const opened = (stage: EncoderStage, version: ProtocolVersion | 0) => {
  const connection = new FakeConnection()
  connection.protocolVersion = version
  const recorder = new ByteRecorder()
  const encoder = stage.open(connection, recorder)
  return { recorder, connection, encoder, send: (packet: object) => pass(packet as Packet, encoder) }
}

const hexOf = (bytes: Buffer): string => bytes.toString('hex')

const writesThePackets = (make: () => EncoderStage): void => {
  for (const version of VERSIONS) {
    it.each(SENT_PACKETS.filter(({ versions }) => versions.includes(version)))(
      `writes to a client of version ${version}: $says`,
      ({ packet, bytes }) => {
        const { recorder, send } = opened(make(), version)
        send(packet)
        expect(hexOf(recorder.all)).toBe(hexOf(packetBytes(bytes)))
      },
    )
  }

  it('writes a refusal in the form of MQTT 3.1.1 before the version is known', () => {
    const { recorder, send } = opened(make(), 0)
    send({ cmd: 'connack', sessionPresent: false, returnCode: 1 })
    expect(hexOf(recorder.all)).toBe('20020001')
  })

  it('writes an acknowledgement without a Reason Code in the short form', () => {
    const { recorder, send } = opened(make(), 5)
    send({ cmd: 'puback', messageId: 1 })
    expect(hexOf(recorder.all)).toBe('40020001')
  })

  it('writes an acknowledgement that says Success without an object as it does with one', () => {
    for (const version of VERSIONS) {
      const { connection, recorder, encoder, send } = opened(make(), version)
      if (encoder.acknowledge === undefined) return
      for (const type of [PacketType.Puback, PacketType.Pubrec, PacketType.Pubrel, PacketType.Pubcomp]) {
        for (const messageId of [1, 0x1234, 0xffff]) {
          encoder.acknowledge(type, messageId, true)
          send({ cmd: acknowledgementName(type), messageId })
          const [without, withObject] = recorder.chunks.splice(0)
          expect(hexOf(Buffer.from(without!))).toBe(hexOf(Buffer.from(withObject!)))
        }
      }
      connection.maximumPacketSize = 3
      encoder.acknowledge(PacketType.Puback, 1, true)
      expect(recorder.chunks).toEqual([])
    }
  })

  it('writes the largest and the smallest of every length of Remaining Length', () => {
    for (const payloadLength of [125, 126, 16_381, 16_382, 2_097_149, 2_097_150]) {
      const { recorder, send } = opened(make(), 4)
      const packet = {
        cmd: 'publish',
        topic: '',
        payload: Buffer.alloc(payloadLength),
        qos: 0,
        dup: false,
        retain: false,
      }
      send(packet)
      // Buffer.equals: `toEqual` looks at each byte for itself.
      expect(recorder.all.equals(generate(packet as Packet))).toBe(true)
    }
  })

  it.each(VERSIONS)('writes CONNACK of version %i as mqtt-packet does', (version) => {
    const stage = make()
    fc.assert(
      fc.property(connack(version), (packet) => {
        const { recorder, send } = opened(stage, version)
        send(packet)
        expect(hexOf(recorder.all)).toBe(hexOf(generate(packet, { protocolVersion: version })))
      }),
      { numRuns: 300, seed: fuzzSeed },
    )
  })

  it.each(VERSIONS)('writes PUBLISH and acknowledgements of version %i as mqtt-packet does', (version) => {
    const stage = make()
    fc.assert(
      fc.property(fc.oneof(publish(version), acknowledgement(version)), (packet) => {
        const { recorder, send } = opened(stage, version)
        send(packet)
        const expected = generate(ownFirst(packet), { protocolVersion: version })
        expect(hexOf(recorder.all)).toBe(hexOf(expected))
        if (packet.cmd === 'publish') expect(publishSize(publishOf(packet), version)).toBe(expected.length)
      }),
      { numRuns: runs(300), seed: fuzzSeed },
    )
  })
}

/** CONNACK with some of the properties that are numbers, and sometimes one that is not. */
const connack = (version: ProtocolVersion): fc.Arbitrary<Packet> => {
  const sessionPresent = fc.boolean()
  if (version !== 5) {
    return fc.record({
      cmd: fc.constant('connack' as const),
      sessionPresent,
      returnCode: fc.integer({ min: 0, max: 5 }),
    })
  }
  const properties = fc.record(
    {
      receiveMaximum: fc.integer({ min: 1, max: 0xffff }),
      maximumQoS: fc.constantFrom(0, 1),
      retainAvailable: fc.boolean(),
      sharedSubscriptionAvailable: fc.boolean(),
      maximumPacketSize: fc.integer({ min: 1, max: 0xffff_ffff }),
      topicAliasMaximum: fc.integer({ min: 0, max: 0xffff }),
      serverKeepAlive: fc.integer({ min: 0, max: 0xffff }),
      assignedClientIdentifier: fc.string({ maxLength: 5 }),
    },
    { requiredKeys: [] },
  )
  const reasonCode = fc.constantFrom(0, 0x87, 0xff)
  return fc.record({
    cmd: fc.constant('connack' as const),
    sessionPresent,
    reasonCode,
    properties,
  }) as fc.Arbitrary<Packet>
}

const fansOut = (make: () => EncoderStage): void => {
  const packet: IPublishPacket = {
    cmd: 'publish',
    topic: 'a',
    payload: Buffer.from('hi'),
    qos: 0,
    dup: false,
    retain: false,
  }
  const opening = (stage: EncoderStage, versions: readonly number[]) =>
    versions.map((version) => opened(stage, version as ProtocolVersion))
  const chunksOf = ({ recorder }: ReturnType<typeof opened>) =>
    recorder.chunks.map((chunk) => hexOf(Buffer.from(chunk)))

  it('gives every subscriber of a message the bytes of its version', () => {
    const subscribers = opening(make(), [4, 5, 3, 5, 4])
    for (const topic of ['first', 'second', 'third']) {
      const publish = publishOf({ ...packet, topic, payload: topic })
      for (const { encoder } of subscribers) encoder.publish(publish)
    }
    const mqtt3 = `30 @ "first" 'first'|30 @ "second" 'second'|30 @ "third" 'third'`
    const mqtt5 = `30 @ "first" [] 'first'|30 @ "second" [] 'second'|30 @ "third" [] 'third'`
    const expected = (notation: string) => notation.split('|').map(packetBytes).map(hexOf)
    expect(subscribers.map(chunksOf)).toEqual([mqtt3, mqtt5, mqtt3, mqtt5, mqtt3].map(expected))
  })

  it('encodes a message at QoS 0 once for each form', () => {
    const subscribers = opening(make(), [4, 5, 3, 5, 4])
    const publish = publishOf(packet)
    for (const { encoder } of subscribers) encoder.publish(publish)
    const [first, second, third, fourth, fifth] = subscribers.map(({ recorder }) => recorder.chunks[0])
    expect([third, fifth].every((chunk) => chunk === first)).toBe(true)
    expect(fourth).toBe(second)
  })

  it('gives every subscriber at QoS 1 and 2 its own Packet Identifier, and changes no bytes that went out', () => {
    const subscribers = opening(
      make(),
      Array.from({ length: 60 }, (_, index) => (index % 3 === 0 ? 5 : 4)),
    )
    const expected: string[][] = subscribers.map(() => [])
    for (let sequence = 1; sequence <= 40; sequence++) {
      const payload = `message ${sequence}`.padEnd(100, '.')
      for (const qos of [1, 2] as const) {
        const publish: PublishFields = publishOf({ ...packet, payload, qos, messageId: 1 })
        for (const [index, { encoder }] of subscribers.entries()) {
          publish.packetIdentifier = sequence * 1000 + index
          encoder.publish(publish)
          const id = publish.packetIdentifier.toString(16).padStart(4, '0')
          const properties = index % 3 === 0 ? '[] ' : ''
          const bytes = packetBytes(`${qos === 1 ? '32' : '34'} @ "a" ${id} ${properties}'${payload}'`)
          expected[index]!.push(hexOf(bytes))
        }
      }
    }
    expect(subscribers.map(chunksOf)).toEqual(expected)
    const inPlace = subscribers.map(({ recorder }) => recorder.places.map((place) => hexOf(Buffer.from(place))))
    expect(inPlace).toEqual(expected)
  })

  it('notices everything that makes the packets of one message different', () => {
    const { recorder, encoder } = opened(make(), 5)
    const publish = publishOf(packet)
    const changes: [Partial<Publish>, string][] = [
      [{}, '30 @ "a" [] \'hi\''],
      [{ retain: true }, '31 @ "a" [] \'hi\''],
      [{ messageExpiryInterval: 9 }, '31 @ "a" [02 00000009] \'hi\''],
      [{ messageExpiryInterval: 0 }, '31 @ "a" [02 00000000] \'hi\''],
      [{ subscriptionIdentifiers: [1, 200] }, '31 @ "a" [02 00000000 0b 01 0b c801] \'hi\''],
      [{ subscriptionIdentifiers: [] }, '31 @ "a" [02 00000000] \'hi\''],
      [{ topicAlias: 3 }, '31 @ "a" [02 00000000 23 0003] \'hi\''],
      [{ omitsTopic: true }, '31 @ "" [02 00000000 23 0003] \'hi\''],
      [{ omitsTopic: false, topicAlias: 0, retain: false, messageExpiryInterval: -1 }, '30 @ "a" [] \'hi\''],
      [{ qos: 1, packetIdentifier: 1 }, '32 @ "a" 0001 [] \'hi\''],
      [{ packetIdentifier: 2, dup: true }, '3a @ "a" 0002 [] \'hi\''],
      [{ message: Message.of({ topic: 'b' }), dup: false, qos: 0, packetIdentifier: 0 }, '30 @ "b" []'],
    ]
    for (const [change] of changes) encoder.publish(Object.assign(publish, change))
    expect(chunksOf({ recorder } as ReturnType<typeof opened>)).toEqual(
      changes.map(([, bytes]) => hexOf(packetBytes(bytes))),
    )
  })

  it.each([2, 100_000])('copies what is lent, %i bytes of payload', (length) => {
    const chunk = Buffer.concat([packetBytes('"a"'), Buffer.alloc(length, 'x')])
    const subscribers = opening(make(), [4, 4, 5])
    const publish = lent(chunk)
    for (const { encoder } of subscribers) encoder.publish(publish)
    chunk.fill(0)
    const payload = '78'.repeat(length)
    const bytes = [`30 @ "a" ${payload}`, `30 @ "a" ${payload}`, `30 @ "a" [] ${payload}`].map(packetBytes)
    expect(subscribers.map(({ recorder }, index) => recorder.all.equals(bytes[index]!))).toEqual([true, true, true])
  })

  describe('of a run', () => {
    const payloads = ['1', 'x'.repeat(200), '']

    it.each([4, 5] as const)('writes what it writes of its messages, which came in version %i', (version) => {
      const run = runOf('topic', payloads, version, '26 "k" "v"')
      for (const subscriber of opening(make(), [3, 4, 5, 4, 5])) {
        const { encoder, recorder, connection } = subscriber
        if (encoder.publishRun?.(run) !== true) continue
        const each = opened(make(), connection.protocolVersion)
        const publish: PublishFields = new Publish()
        run.each((message) => {
          publish.message = message
          each.encoder.publish(publish)
        })
        expect(hexOf(recorder.all)).toBe(hexOf(each.recorder.all))
      }
    })

    it.each([
      [4, 4],
      [4, 5],
      [5, 4],
      [5, 5],
    ] as const)('from version %i to %i, writes all or nothing, as the client takes it [MQTT-3.1.2-24]', (from, to) => {
      const stage = make()
      const run = runOf('topic', payloads, from)
      const longest = to === 5 ? 3 + 7 + 1 + 200 : 3 + 7 + 200
      for (const maximum of [longest, longest - 1, longest]) {
        const { encoder, connection, recorder } = opened(stage, to)
        connection.maximumPacketSize = maximum
        const taken = encoder.publishRun?.(run) ?? false
        expect(recorder.all.length > 0).toBe(taken)
        if (maximum < longest) expect(taken).toBe(false)
      }
    })

    it('is written with the Packet Identifiers of each client at QoS 1, as its packets are one by one', () => {
      const identifiers = Uint16Array.of(1, 0x1234, 0xffff, 7, 300)
      for (const from of [4, 5] as const) {
        const run = runOf('topic', payloads, from, from === 5 ? '26 "k" "v"' : '', 1)
        for (const [index, { encoder, recorder, connection }] of opening(make(), [3, 4, 5, 4, 5]).entries()) {
          const own = identifiers.map((identifier) => identifier - (identifier > 1 ? index : 0))
          if (encoder.publishIdentifiedRun?.(run, own) !== true) continue
          const each = opened(make(), connection.protocolVersion)
          const publish: PublishFields = Object.assign(new Publish(), { qos: 1 })
          let count = 0
          run.each((message) => {
            publish.message = message
            publish.packetIdentifier = own[count]!
            count += 1
            each.encoder.publish(publish)
          })
          expect(hexOf(recorder.all)).toBe(hexOf(each.recorder.all))
          // What went out never changes.
          expect(hexOf(Buffer.concat(recorder.places))).toBe(hexOf(recorder.all))
        }
      }
    })

    it('is not taken for the run before', () => {
      const { encoder, recorder } = opened(make(), 5)
      for (const payload of ['1', '2']) encoder.publishRun?.(runOf('topic', [payload, payload]))
      if (encoder.publishRun === undefined) return
      const expected = ['1', '1', '2', '2'].map((payload) => packetBytes(`30 @ "topic" [] '${payload}'`))
      expect(hexOf(recorder.all)).toBe(hexOf(Buffer.concat(expected)))
    })
  })

  it('copies a large payload once, however many subscribers get it, at any QoS and version', () => {
    const subscribers = opening(make(), [3, 4, 5, 5])
    const publish = lent(Buffer.concat([packetBytes('"a"'), Buffer.alloc(100_000, 'x')]))
    for (const { encoder } of subscribers) {
      encoder.publish(Object.assign(publish, { qos: 0, packetIdentifier: 0 }))
      encoder.publish(Object.assign(publish, { qos: 1, packetIdentifier: 7 }))
    }
    const large = subscribers.flatMap(({ recorder }) => recorder.chunks).filter((chunk) => chunk.length === 100_000)
    expect(large).toHaveLength(8)
    expect(new Set(large.map((chunk) => `${chunk.byteOffset}`)).size).toBe(1)
    expect(new Set(large.map((chunk) => chunk.buffer)).size).toBe(1)
  })
}

/** A Publish of a message that lies in a chunk: a Topic Name with its length, then the payload. */
const lent = (chunk: Buffer): Publish => {
  const publish = new Publish()
  const message = Message.refill(publish.message, chunk)
  message.topicStart = 2
  message.topicEnd = message.propertiesStart = message.propertiesEnd = message.payloadStart = 2 + chunk.readUInt16BE(0)
  message.payloadEnd = chunk.length
  return publish
}

const keepsToTheMaximumPacketSize = (make: () => EncoderStage): void => {
  const sentWithin = (maximumPacketSize: number, packet: object): string => {
    const { connection, recorder, send } = opened(make(), 5)
    connection.maximumPacketSize = maximumPacketSize
    send(packet)
    return hexOf(recorder.all)
  }

  it.each(FITTED_PACKETS)('$packet.cmd without Reason String, then without User Properties, then not at all', (row) => {
    const [whole, shorter, shortest] = [row.whole, row.withoutReasonString, row.withoutUserProperties].map(packetBytes)
    const before = structuredClone(row.packet)
    expect(sentWithin(whole!.length, row.packet)).toBe(hexOf(whole!))
    expect(sentWithin(whole!.length - 1, row.packet)).toBe(hexOf(shorter!))
    expect(sentWithin(shorter!.length, row.packet)).toBe(hexOf(shorter!))
    expect(sentWithin(shorter!.length - 1, row.packet)).toBe(hexOf(shortest!))
    expect(sentWithin(shortest!.length, row.packet)).toBe(hexOf(shortest!))
    expect(sentWithin(shortest!.length - 1, row.packet)).toBe('')
    expect(row.packet).toEqual(before)
  })

  it('PUBLISH whole or not at all, at any QoS [MQTT-3.1.2-24]', () => {
    const message = { cmd: 'publish', topic: 'a', payload: Buffer.alloc(200), dup: false, retain: false }
    for (const packet of [
      { ...message, qos: 0 },
      { ...message, qos: 2, messageId: 1 },
    ] as const) {
      const size = publishSize(publishOf(packet as IPublishPacket), 5)
      expect(sentWithin(size, packet)).toHaveLength(2 * size)
      expect(sentWithin(size - 1, packet)).toBe('')
    }
  })

  it('each subscriber of a message to its own', () => {
    const stage = make()
    const publish = publishOf({ cmd: 'publish', topic: 'a', payload: 'hi', qos: 0, dup: false, retain: false })
    const sizes = [8, 7, 100, 1, 8].map((maximumPacketSize) => {
      const { connection, encoder, recorder } = opened(stage, 5)
      connection.maximumPacketSize = maximumPacketSize
      encoder.publish(publish)
      return recorder.all.length
    })
    expect(sizes).toEqual([8, 0, 8, 0, 8])
  })

  it('nothing larger than the Remaining Length can say', () => {
    const { encoder, recorder } = opened(make(), 4)
    const publish = publishOf({ cmd: 'publish', topic: 'a', payload: '', qos: 0, dup: false, retain: false })
    const message: MessageFields = publish.message
    message.payloadEnd = 268_435_455 - 3 + message.payloadStart
    expect(publishSize(publish, 4)).toBe(268_435_460)
    message.payloadEnd += 1
    encoder.publish(publish)
    expect(recorder.chunks).toEqual([])
  })
}

const throwsAtMistakes = (make: () => EncoderStage): void => {
  const broken = {
    'PUBLISH at QoS 1 without a Packet Identifier': { cmd: 'publish', topic: 'a', payload: '', qos: 1 },
    'a Topic Name of 65,536 bytes': { cmd: 'publish', topic: 'a'.repeat(65_536), payload: '', qos: 0 },
    'PUBACK without a Packet Identifier': { cmd: 'puback' },
    'a Reason String of 65,536 bytes': {
      ...{ cmd: 'puback', messageId: 1, reasonCode: 0x80 },
      properties: { reasonString: 'a'.repeat(65_536) },
    },
    'CONNACK without a code': { cmd: 'connack', sessionPresent: false },
    'SUBACK without codes': { cmd: 'suback', messageId: 1, granted: [] },
  }
  it.each(Object.entries(broken))('throws at %s, which is our mistake, and sends nothing of it', (_what, packet) => {
    const { recorder, send } = opened(make(), 5)
    expect(() => send(packet)).toThrow()
    expect(recorder.chunks).toEqual([])
    send({ cmd: 'pingresp' })
    expect(hexOf(recorder.all)).toBe('d000')
  })
}

/** @param make an encoder stage of the implementation under test. */
export const encoderContract = (make: () => EncoderStage): void => {
  describe('packets', () => writesThePackets(make))
  describe('fan-out', () => fansOut(make))
  describe('keeps to the Maximum Packet Size:', () => keepsToTheMaximumPacketSize(make))
  describe('mistakes', () => throwsAtMistakes(make))
}
