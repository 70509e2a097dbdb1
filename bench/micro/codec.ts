import type { Bench } from 'tinybench'
import { mqttDecoder } from '../../components/mqtt-decoder/index.ts'
import { mqttEncoder } from '../../components/mqtt-encoder/index.ts'
import type { DecoderInput, DecoderStage, EncoderStage, PacketReceiver } from '../../src/kinds/pipeline-stage.ts'
import { FakeConnection } from '../../test/helpers/fake-connection.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { encodeConnect, encodePublish } from '../generator/packets.ts'
import type { Version } from '../plan.ts'
import { batch } from './batch.ts'

/** PUBLISH packets from bytes to what the handler gets, and from there to bytes again. */
export const addCodec = (bench: Bench): void => {
  for (const version of [4, 5] as const) {
    const userProperties = version === 5 ? 3 : 0
    const what = `QoS 0, 64 B, version ${version}${version === 5 ? ', 3 User Properties' : ''}`
    const template = { topic: 'bench/0/0000000/value', qos: 0, version, payloadBytes: 64, userProperties } as const
    const chunk = Buffer.concat(Array.from({ length: batch }, () => encodePublish(template).bytes))
    let received = 0
    const count = { packet: () => {}, publish: () => void received++ }
    const decode = decoderTo(count, version)
    bench.add(`codec, decode, ${what}`, () => {
      received = 0
      decode.bytes(chunk)
      if (received !== batch) throw new Error(`${received} of ${batch} packets were decoded`)
    })
    const recode = decoderTo(encoderFor(version), version)
    bench.add(`codec, decode and encode, ${what}`, () => {
      recode.bytes(chunk)
    })
  }
}

const context = lifecycleContext('micro')

/** A decoder that has read CONNECT. */
const decoderTo = (next: PacketReceiver, version: Version): DecoderInput => {
  const stage = mqttDecoder.start(mqttDecoder.config.parse({}), {}, context) as DecoderStage
  const decoder = stage.open(new FakeConnection(), next)
  decoder.bytes(encodeConnect('micro', version))
  return decoder
}

const encoderFor = (version: Version): PacketReceiver => {
  const stage = mqttEncoder.start({}, {}, context) as EncoderStage
  const connection = new FakeConnection()
  connection.protocolVersion = version
  const encoder = stage.open(connection, { bytes: () => {}, forward: () => {} })
  // The encoder does not handle CONNECT.
  return { packet: () => {}, publish: (publish) => encoder.publish(publish) }
}
