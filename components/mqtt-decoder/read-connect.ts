import type { QoS } from 'mqtt-packet'
import type { ConnectPacket } from '../../src/kinds/pipeline-stage.ts'
import { forwardedProperties } from '../../src/mqtt/forwarded-properties.ts'
import type { PacketReader } from '../../src/mqtt/packet-reader.ts'
import { readProperties } from '../../src/mqtt/read-properties.ts'

// Connect Flags (section 3.1.2.3).
const CLEAN_START = 0b0000_0010
const WILL_FLAG = 0b0000_0100
const WILL_QOS_SHIFT = 3
const WILL_QOS = 0b11
const WILL_RETAIN = 0b0010_0000
const PASSWORD_FLAG = 0b0100_0000
const USER_NAME_FLAG = 0b1000_0000

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type Connect = Mutable<ConnectPacket> & { retain: boolean; qos: QoS; dup: boolean; topic: null; payload: null }
type Will = NonNullable<ConnectPacket['will']>

/**
 * Reads a CONNECT packet that was checked, as mqtt-packet's parser would make it; buffers in it are views of the reader's bytes.
 * mqtt-packet makes a parser with a list of buffers, a stream of its own, for each CONNECT packet: that was a seventh of what the
 * broker spends on a connection that comes and goes.
 * @param reader at the start of the packet's body, with what `checkConnect` left in it.
 */
export const readConnect = (reader: PacketReader): ConnectPacket => {
  // Without the flags that MQTT 3.1 disregards, and those of fields that a client of it leaves out.
  const flags = reader.connectFlags
  const hasWill = (flags & WILL_FLAG) !== 0
  // This reads the Properties that were checked last, which are those of the Will.
  const willProperties = hasWill && reader.protocolVersion === 5 ? forwardedProperties(reader) : undefined
  const packet: Connect = {
    cmd: 'connect',
    // MQTT 3.1 does not use these flags, and they are 0 in later versions.
    retain: false,
    qos: 0,
    dup: false,
    length: reader.end - reader.position,
    topic: null,
    payload: null,
    protocolId: reader.string() as 'MQTT' | 'MQIsdp',
    protocolVersion: reader.byte() as 3 | 4 | 5,
    clean: (flags & CLEAN_START) !== 0,
    keepalive: keepAliveBehindFlags(reader),
    clientId: '',
  }
  const properties = propertiesOf(reader)
  if (properties !== undefined) packet.properties = properties
  packet.clientId = reader.string()
  if (hasWill) packet.will = readWill(flags, reader)
  if (willProperties !== undefined) packet.willProperties = willProperties
  if ((flags & USER_NAME_FLAG) !== 0) packet.username = reader.string()
  if ((flags & PASSWORD_FLAG) !== 0) packet.password = reader.binary()
  return packet
}

const keepAliveBehindFlags = (reader: PacketReader): number => {
  reader.position += 1
  return reader.twoByteInteger()
}

const propertiesOf = (reader: PacketReader): ReturnType<typeof readProperties> =>
  reader.protocolVersion === 5 ? readProperties(reader) : undefined

const readWill = (flags: number, reader: PacketReader): Will => {
  const properties = propertiesOf(reader)
  const will: Will = {
    retain: (flags & WILL_RETAIN) !== 0,
    qos: ((flags >> WILL_QOS_SHIFT) & WILL_QOS) as QoS,
    topic: reader.string(),
    payload: reader.binary(),
  }
  if (properties !== undefined) will.properties = properties
  return will
}
