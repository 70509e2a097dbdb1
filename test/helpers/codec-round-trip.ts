import { expect } from 'vitest'
import { mqttDecoder } from '../../components/mqtt-decoder/index.ts'
import { mqttEncoder } from '../../components/mqtt-encoder/index.ts'
import type { DecoderStage, EncoderStage } from '../../src/kinds/pipeline-stage.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import type { Publish } from '../../src/mqtt/publish.ts'
import { publishSize } from '../../src/mqtt/publish-size.ts'
import { ByteRecorder, FakeConnection, PacketRecorder } from './fake-connection.ts'
import { lifecycleContext } from './lifecycle-context.ts'

const context = lifecycleContext('codec')
const decoderStage = mqttDecoder.start(mqttDecoder.config.parse({}), {}, context) as DecoderStage
const encoderStage = mqttEncoder.start({}, {}, context) as EncoderStage

/**
 * Decodes a stream of packets that begins with CONNECT, and encodes every PUBLISH in it again: the encoded packet has the
 * predicted size and decodes to the same packet. The forwarded properties are the same bytes.
 */
export const roundTrip = (version: ProtocolVersion, stream: Buffer): void => {
  const again: Buffer[] = []
  const encode = (publish: Publish): void => {
    const bytes = encodedAgain(version, publish)
    if (bytes.length !== publishSize(publish, version)) expect.fail(`${bytes.length} bytes: ${stream.toString('hex')}`)
    again.push(bytes)
  }
  const first = decodedWith(0, stream, encode)
  const second = decodedWith(version, Buffer.concat(again))
  expect(second.packets).toEqual(first.packets.filter(({ cmd }) => cmd === 'publish'))
  const properties = ({ publishes }: PacketRecorder) =>
    publishes.map(({ message }) => message.properties.toString('hex'))
  expect(properties(second)).toEqual(properties(first))
}

const decodedWith = (
  version: ProtocolVersion | 0,
  bytes: Buffer,
  look?: (publish: Publish) => void,
): PacketRecorder => {
  const recorder = new PacketRecorder()
  const connection = new FakeConnection()
  connection.protocolVersion = version
  const record = recorder.publish.bind(recorder)
  recorder.publish = (publish) => {
    look?.(publish)
    record(publish)
  }
  decoderStage.open(connection, recorder).bytes(bytes)
  expect(recorder.errors).toEqual([])
  return recorder
}

const encodedAgain = (version: ProtocolVersion, publish: Publish): Buffer => {
  const connection = new FakeConnection()
  connection.protocolVersion = version
  const recorder = new ByteRecorder()
  encoderStage.open(connection, recorder).publish(publish)
  return recorder.all
}
