import { checkReservedFlags } from './fixed-header.ts'
import { type PacketReader, TRUNCATED } from './packet-reader.ts'
import { PacketType } from './packet-type.ts'
import { checkProperties, WILL_PROPERTIES } from './properties.ts'
import type { ProtocolError } from './protocol-error.ts'
import { ReasonCode } from './reason-code.ts'
import { malformedPacket, refusal, truncated } from './refusal.ts'
import { checkTopicName } from './topic-name.ts'

const RESERVED = 0b0000_0001
const WILL_FLAG = 0b0000_0100
const WILL_QOS = 0b0001_1000
const WILL_RETAIN = 0b0010_0000
const PASSWORD_FLAG = 0b0100_0000
const USER_NAME_FLAG = 0b1000_0000

/**
 * Checks the body of a CONNECT packet (section 3.1). Sets the reader's `protocolVersion` as soon as the version is known,
 * so that a packet with a mistake after it can be answered in that version's form, and `connectFlags`.
 * @param firstByte of the packet; its flags are checked here, since their meaning depends on the version.
 */
export const checkConnect = (reader: PacketReader, firstByte: number): ProtocolError | undefined => {
  const versionError = checkProtocolVersion(reader)
  const error = checkReservedFlags(firstByte, reader.protocolVersion) ?? versionError
  if (error !== undefined) return error
  const flags = reader.byte()
  if (flags === TRUNCATED) return truncated('Connect Flags')
  reader.connectFlags = reader.protocolVersion === 3 ? withoutDisregarded(flags) : flags
  const flagsError = checkConnectFlags(reader.connectFlags, reader.protocolVersion)
  if (flagsError !== undefined) return flagsError
  if (reader.twoByteInteger() === TRUNCATED) return truncated('Keep Alive')
  if (reader.protocolVersion === 5) {
    const error = checkProperties(reader, PacketType.Connect)
    if (error !== undefined) return error
  }
  return checkPayload(reader)
}

/**
 * MQIsdp 3 is MQTT 3.1, MQTT 4 is MQTT 3.1.1, MQTT 5 is MQTT 5.0; all other combinations are refused. A refusal also sets the
 * version in whose form the CONNACK is sent. A Protocol Level above 5 comes from a client of a later version, which can read
 * the form of 5.0. A level with the top bit set comes from a mosquitto bridge that tries a private extension of MQTT 3: it
 * connects without the extension when it reads return code 1 in the form of MQTT 3. A level below 4 is answered in the form of
 * MQTT 3, too. A peer with another protocol name does not speak MQTT: the version stays 0, and no answer is sent.
 */
const checkProtocolVersion = (reader: PacketReader): ProtocolError | undefined => {
  const error = reader.checkString('Protocol Name')
  if (error !== undefined) return error
  const name = reader.bytes.toString('latin1', reader.stringStart, reader.position)
  if (name !== 'MQTT' && name !== 'MQIsdp') {
    return refusal(ReasonCode.UnsupportedProtocolVersion, 'The Protocol Name is not MQTT.', 'MQTT-3.1.2-1')
  }
  const level = reader.byte()
  if (level === TRUNCATED) return truncated('Protocol Version')
  if (name === 'MQTT' ? level === 4 || level === 5 : level === 3) {
    reader.protocolVersion = level as 3 | 4 | 5
    return undefined
  }
  reader.protocolVersion = name === 'MQTT' && level > 5 && level < 0x80 ? 5 : 4
  return refusal(ReasonCode.UnsupportedProtocolVersion, 'The Protocol Version is not supported.', 'MQTT-3.1.2-2')
}

/** MQTT 3.1 does not use bit 0, and ignores Will QoS and Will Retain if the Will flag is not set. */
const withoutDisregarded = (flags: number): number =>
  flags & ~((flags & WILL_FLAG) === 0 ? RESERVED | WILL_QOS | WILL_RETAIN : RESERVED)

const checkConnectFlags = (flags: number, version: number): ProtocolError | undefined => {
  if ((flags & RESERVED) !== 0) return malformedPacket('The reserved Connect Flag is set.', 'MQTT-3.1.2-3')
  if ((flags & WILL_FLAG) !== 0) {
    if ((flags & WILL_QOS) === WILL_QOS) return malformedPacket('The Will QoS is 3.', 'MQTT-3.1.2-12')
  } else {
    if ((flags & WILL_QOS) !== 0) return malformedPacket('There is a Will QoS without a will.', 'MQTT-3.1.2-11')
    if ((flags & WILL_RETAIN) !== 0) return malformedPacket('Will Retain is set without a will.', 'MQTT-3.1.2-13')
  }
  // [MQTT-3.1.2-22] of MQTT 3.1.1; MQTT 5.0 allows a password alone.
  if (version !== 5 && (flags & (USER_NAME_FLAG | PASSWORD_FLAG)) === PASSWORD_FLAG) {
    return malformedPacket('There is a Password without a User Name, which MQTT 3 does not allow.')
  }
  return undefined
}

/** The fields in their order [MQTT-3.1.3-1]. */
const checkPayload = (reader: PacketReader): ProtocolError | undefined => {
  const flags = reader.connectFlags
  let error = reader.checkString('Client Identifier') // [MQTT-3.1.3-3] [MQTT-3.1.3-4]
  if (error === undefined && (flags & WILL_FLAG) !== 0) error = checkWill(reader)
  if (error === undefined && (flags & USER_NAME_FLAG) !== 0) {
    // MQTT 3.1: "the User Name flag is set, but the User Name string is missing. This is valid".
    if (reader.protocolVersion === 3 && reader.atEnd) reader.connectFlags &= ~(USER_NAME_FLAG | PASSWORD_FLAG)
    else error = reader.checkString('User Name') // [MQTT-3.1.3-12]
  }
  if (error === undefined && (reader.connectFlags & PASSWORD_FLAG) !== 0) {
    if (reader.protocolVersion === 3 && reader.atEnd) reader.connectFlags &= ~PASSWORD_FLAG
    else error = reader.checkBinary('Password') // [MQTT-3.1.2-19]
  }
  return error
}

const checkWill = (reader: PacketReader): ProtocolError | undefined =>
  (reader.protocolVersion === 5 ? checkProperties(reader, WILL_PROPERTIES) : undefined) ??
  reader.checkString('Will Topic') ?? // [MQTT-3.1.3-11]
  checkTopicName(reader.bytes, reader.stringStart, reader.position, 'Will Topic') ??
  reader.checkBinary('Will Payload')
