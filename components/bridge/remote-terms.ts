import { type IConnackPacket, type ISubackPacket, type Packet, parser, type QoS } from 'mqtt-packet'
import { describeReasonCode } from '../../src/mqtt/describe-reason-code.ts'
import type { Frame } from './frame-reader.ts'

/** What CONNACK says. */
export interface RemoteTerms {
  readonly sessionPresent: boolean
  /** Messages at QoS 1 and 2 that it takes before the first is acknowledged. */
  readonly receiveMaximum: number
  readonly maximumQoS: QoS
  readonly retainAvailable: boolean
  /** In bytes. */
  readonly maximumPacketSize: number
  /** In seconds; undefined if it keeps what the bridge asked for. */
  readonly keepAliveSeconds: number | undefined
}

/** @returns the terms, or why the remote broker refused the bridge. */
export const readConnack = (frame: Frame, version: 4 | 5): RemoteTerms | string => {
  const code = frame.bytes[frame.start + 1]
  if (frame.end - frame.start < 2 || code === undefined) throw new Error('it sent a CONNACK that is too short')
  if (code !== 0) return code < 0x80 ? (RETURN_CODES[code] ?? `Return Code ${code}`) : describeReasonCode(code)
  const { sessionPresent, properties } = parse(frame, version) as IConnackPacket
  const { receiveMaximum, maximumPacketSize } = properties ?? {}
  // Such a broker would get nothing, and the bridge would seem to work (section 3.2.2.3).
  if (receiveMaximum === 0 || maximumPacketSize === 0)
    throw new Error('it sent a CONNACK with a Receive Maximum or a Maximum Packet Size of 0')
  return {
    sessionPresent,
    receiveMaximum: receiveMaximum ?? 65_535,
    maximumQoS: (properties?.maximumQoS ?? 2) as QoS,
    // mqtt-packet reads it as a truth value, or as a number.
    retainAvailable: properties?.retainAvailable === undefined || Boolean(properties.retainAvailable),
    maximumPacketSize: maximumPacketSize ?? Number.POSITIVE_INFINITY,
    keepAliveSeconds: properties?.serverKeepAlive,
  }
}

/** Return Code 1. */
export const UNKNOWN_VERSION = 'unacceptable protocol version (1)'

/** Table 3-1 of MQTT 3.1.1. */
const RETURN_CODES: readonly string[] = [
  'Connection accepted',
  UNKNOWN_VERSION,
  'identifier rejected (2)',
  'server unavailable (3)',
  'bad user name or password (4)',
  'not authorized (5)',
]

/** The Reason Codes of SUBACK, in the order of the filters. */
export const readSuback = (frame: Frame, version: 4 | 5): readonly number[] =>
  (parse(frame, version) as ISubackPacket).granted as number[]

/** Reads a packet that comes seldom. @throws Error when it is malformed. */
const parse = (frame: Frame, version: 4 | 5): Packet => {
  const parsing = parser({ protocolVersion: version })
  const packets: Packet[] = []
  const failures: Error[] = []
  parsing.on('packet', (packet: Packet) => packets.push(packet))
  parsing.on('error', (error: Error) => failures.push(error))
  parsing.parse(frame.bytes.subarray(frame.headerStart, frame.end))
  const [packet] = packets
  if (packet === undefined) throw new Error(`it sent a malformed packet: ${failures[0]?.message ?? 'it is cut off'}`)
  return packet
}
