/** What every encoder does: run `encoderContract` on each implementation. */

import fc from 'fast-check'
import { generate, type IPublishPacket, type Packet } from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import type { EncoderStage } from '../../src/kinds/pipeline-stage.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { ByteRecorder, FakeConnection } from '../helpers/fake-connection.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { acknowledgement, fuzzSeed, publish } from '../helpers/packets.ts'
import { SENT_PACKETS } from './sent-packets.ts'

const VERSIONS: readonly ProtocolVersion[] = [3, 4, 5]

/** An encoder at work on a connection of its own. */
const opened = (stage: EncoderStage, version: ProtocolVersion | 0) => {
  const connection = new FakeConnection()
  connection.protocolVersion = version
  const recorder = new ByteRecorder()
  const encoder = stage.open(connection, recorder)
  return { recorder, send: (packet: object) => encoder.packet(packet as Packet) }
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

  it.each(VERSIONS)('writes PUBLISH and acknowledgements of version %i as mqtt-packet does', (version) => {
    const stage = make()
    fc.assert(
      fc.property(fc.oneof(publish(version), acknowledgement(version)), (packet) => {
        const { recorder, send } = opened(stage, version)
        send(packet)
        expect(hexOf(recorder.all)).toBe(hexOf(generate(packet, { protocolVersion: version })))
      }),
      { numRuns: 300, seed: fuzzSeed },
    )
  })
}

const fansOut = (make: () => EncoderStage): void => {
  const message = (topic: string): IPublishPacket => ({
    ...{ cmd: 'publish', qos: 0, dup: false, retain: false },
    ...{ topic, payload: Buffer.from(topic) },
  })

  it('gives every subscriber of a message the bytes of its version', () => {
    const stage = make()
    const subscribers = [4, 5, 3, 5, 4].map((version) => opened(stage, version as ProtocolVersion))
    for (const topic of ['first', 'second', 'third']) {
      const packet = message(topic)
      for (const { send } of subscribers) send(packet)
    }
    const mqtt3 = `30 @ "first" 'first'|30 @ "second" 'second'|30 @ "third" 'third'`
    const mqtt5 = `30 @ "first" [] 'first'|30 @ "second" [] 'second'|30 @ "third" [] 'third'`
    const expected = (notation: string) => notation.split('|').map(packetBytes).map(hexOf)
    const received = subscribers.map(({ recorder }) => recorder.chunks.map((chunk) => hexOf(Buffer.from(chunk))))
    expect(received).toEqual([mqtt3, mqtt5, mqtt3, mqtt5, mqtt3].map(expected))
  })

  it('gives equal messages in different packets bytes of their own, and each Packet Identifier its own', () => {
    const { recorder, send } = opened(make(), 4)
    const packet = message('a')
    send(packet)
    send({ ...packet, retain: true })
    send({ ...packet, qos: 1, messageId: 1 })
    send({ ...packet, qos: 1, messageId: 2 })
    send(packet)
    const expected = ['30 @ "a" 61', '31 @ "a" 61', '32 @ "a" 0001 61', '32 @ "a" 0002 61', '30 @ "a" 61']
    expect(hexOf(recorder.all)).toBe(expected.map(packetBytes).map(hexOf).join(''))
  })

  it('copies the payload, which is lent', () => {
    const { recorder, send } = opened(make(), 4)
    const payload = Buffer.from('before')
    send({ ...message('a'), payload })
    payload.fill('x')
    expect(hexOf(recorder.all)).toBe(hexOf(packetBytes('30 @ "a" \'before\'')))
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
  describe('mistakes', () => throwsAtMistakes(make))
}
