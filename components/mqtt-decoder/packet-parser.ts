import { type Packet, parser } from 'mqtt-packet'
import type { ConnectPacket, ControlPacket } from '../../src/kinds/pipeline-stage.ts'
import { DUP_FLAG } from '../../src/mqtt/fixed-header.ts'
import { forwardedProperties } from '../../src/mqtt/forwarded-properties.ts'
import type { PacketReader } from '../../src/mqtt/packet-reader.ts'
import { PacketType } from '../../src/mqtt/packet-type.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { variableByteIntegerSize, writeVariableByteInteger } from '../../src/mqtt/variable-byte-integer.ts'

/**
 * Offset of the Connect Flags in the body of an MQTT 3.1 CONNECT packet: behind the Protocol Name `MQIsdp` with its
 * length and the Protocol Version.
 */
const CONNECT_FLAGS_OFFSET_3 = 2 + 6 + 1

type MqttParser = ReturnType<typeof parser>

/**
 * mqtt-packet's parser for the packets that come seldom. It sees one whole packet at a time, framed and checked by us:
 * it would accept many that are illegal, buffer without a bound, and lose its place after an error. Shared by all
 * connections, which is safe because it holds nothing between two packets; CONNECT gets a parser of its own, since a
 * parser remembers the last CONNECT packet, password and all.
 */
export class PacketParser {
  readonly #parsers: Record<ProtocolVersion, MqttParser> = { 3: parserFor(3), 4: parserFor(4), 5: parserFor(5) }

  /** Parses a checked packet. @returns undefined when mqtt-packet does not understand it, which would be our mistake. */
  parse(firstByte: number, body: Buffer, reader: PacketReader): ControlPacket | undefined {
    const version = reader.protocolVersion
    if (version === 0) return undefined
    if (firstByte >> 4 === PacketType.Connect) return parseConnect(body, reader)
    // The DUP flag that MQTT 3.1 allows here would be an error to mqtt-packet.
    const packet = parseWith(this.#parsers[version], firstByte & ~DUP_FLAG, body)
    if (packet === undefined) this.#parsers[version] = parserFor(version)
    else if ((firstByte & DUP_FLAG) !== 0) Object.assign(packet, { dup: true })
    return packet as ControlPacket | undefined
  }
}

/** The flags of CONNECT are not given on: MQTT 3.1 does not use them, and they are 0 in later versions. */
const parseConnect = (body: Buffer, reader: PacketReader): ConnectPacket | undefined => {
  const legible = reader.protocolVersion === 3 ? withConnectFlags(body, reader.connectFlags) : body
  const packet = parseWith(parser(), PacketType.Connect << 4, legible) as ConnectPacket | undefined
  if (packet?.will !== undefined && reader.protocolVersion === 5) packet.willProperties = forwardedProperties(reader)
  return packet
}

const parserFor = (protocolVersion: ProtocolVersion): MqttParser => parser({ protocolVersion })

/**
 * MQTT 3.1 lets a client announce a User Name and a Password and leave them out, and set flags that mean nothing: such flags
 * are cleared, in a copy.
 */
const withConnectFlags = (body: Buffer, flags: number): Buffer => {
  if (body[CONNECT_FLAGS_OFFSET_3] === flags) return body
  const copy = Buffer.from(body)
  copy[CONNECT_FLAGS_OFFSET_3] = flags
  return copy
}

const parseWith = (mqttParser: MqttParser, firstByte: number, body: Buffer): Packet | undefined => {
  let parsed: Packet | undefined
  let failed = false
  const onPacket = (packet: Packet): void => {
    parsed = packet
  }
  const onError = (): void => {
    failed = true
  }
  mqttParser.on('packet', onPacket)
  mqttParser.on('error', onError)
  try {
    mqttParser.parse(fixedHeader(firstByte, body.length))
    mqttParser.parse(body)
  } catch {
    failed = true
  } finally {
    mqttParser.off('packet', onPacket)
    mqttParser.off('error', onError)
  }
  return failed ? undefined : parsed
}

/** The packet's fixed header, which may have come in another chunk than its body. */
const fixedHeader = (firstByte: number, remainingLength: number): Buffer => {
  const bytes = Buffer.alloc(1 + variableByteIntegerSize(remainingLength), firstByte)
  writeVariableByteInteger(bytes, 1, remainingLength)
  return bytes
}
