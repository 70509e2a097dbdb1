import type { IPublishPacket } from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import type { EncoderStage } from '../../src/kinds/pipeline-stage.ts'
import { encoderContract } from '../../test/contract/encoder.ts'
import { mqttEncoder } from './index.ts'
import { PacketEncoder } from './packet-encoder.ts'

const context = { name: 'encoder', signal: new AbortController().signal }

describe('mqtt-encoder', () => {
  encoderContract(() => mqttEncoder.start({}, {}, context) as EncoderStage)

  it('encodes a message at QoS 0 once for each form, however many subscribers it has', () => {
    const encoder = new PacketEncoder()
    const packet: IPublishPacket = { cmd: 'publish', topic: 'a', payload: 'b', qos: 0, dup: false, retain: false }
    const bytes = encoder.encode(packet, 4)
    const bytes5 = encoder.encode(packet, 5)
    expect(encoder.encode(packet, 3)).toBe(bytes)
    expect(encoder.encode(packet, 5)).toBe(bytes5)
    expect(bytes5).not.toEqual(bytes)
  })
})
