import type { ConnectPacket } from '../../src/kinds/pipeline-stage.ts'
import type { StoredWill } from '../../src/kinds/store.ts'
import { Message } from '../../src/mqtt/message.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { NEVER_EXPIRES } from '../../src/mqtt/session-expiry-interval.ts'
import type { HandlerConfig } from './config.ts'

/** Receive Maximum of a client that does not say (section 3.1.2.11.3), or that cannot. */
const DEFAULT_RECEIVE_MAXIMUM = 65_535

/** The request of a CONNECT packet, with the same fields for all versions. It owns its memory. */
export interface ConnectRequest {
  /** Empty when the server is to choose one. */
  readonly clientId: string
  /** Clean Start of MQTT 5.0; Clean Session before. */
  readonly cleanStart: boolean
  /** In seconds; 0 is none. */
  readonly keepAlive: number
  /** Session Expiry Interval as it is granted, in seconds. */
  readonly expiryIntervalSeconds: number
  /** Whether it is less than what was asked for. */
  readonly expiryShortened: boolean
  readonly receiveMaximum: number
  /** In bytes; Infinity is no limit. */
  readonly maximumPacketSize: number
  /** Topic Aliases that the client takes. */
  readonly topicAliasMaximum: number
  /** Request Response Information. */
  readonly wantsResponseInformation: boolean
  /** Request Problem Information. */
  readonly wantsReasons: boolean
  readonly will: StoredWill | undefined
  readonly willPayloadIsUtf8: boolean
  readonly userName: string | undefined
  readonly hasPassword: boolean
  /** Authentication Method; undefined for none. */
  readonly authenticationMethod: string | undefined
  readonly authenticationData: Uint8Array | undefined
}

export const connectRequest = (
  packet: ConnectPacket,
  version: ProtocolVersion,
  config: HandlerConfig,
): ConnectRequest => {
  const { properties = {}, clean = true } = packet
  const data = properties.authenticationData
  // Before MQTT 5.0 a session ends with its connection, or never.
  const expiry = version === 5 ? (properties.sessionExpiryInterval ?? 0) : clean ? 0 : NEVER_EXPIRES
  return {
    clientId: packet.clientId,
    cleanStart: clean,
    keepAlive: packet.keepalive ?? 0,
    expiryIntervalSeconds: Math.min(expiry, config.maximumSessionExpirySeconds),
    expiryShortened: expiry > config.maximumSessionExpirySeconds,
    receiveMaximum: properties.receiveMaximum ?? DEFAULT_RECEIVE_MAXIMUM,
    maximumPacketSize: properties.maximumPacketSize ?? Number.POSITIVE_INFINITY,
    topicAliasMaximum: properties.topicAliasMaximum ?? 0,
    wantsResponseInformation: properties.requestResponseInformation === true,
    wantsReasons: properties.requestProblemInformation !== false,
    will: willOf(packet),
    willPayloadIsUtf8: packet.will?.properties?.payloadFormatIndicator === true,
    userName: packet.username,
    hasPassword: packet.password !== undefined,
    authenticationMethod: properties.authenticationMethod,
    authenticationData: data === undefined ? undefined : Buffer.from(data),
  }
}

/** The Will of a CONNECT packet (section 3.1.2.5), in memory of its own. @returns undefined when there is none. */
const willOf = ({ will, willProperties }: ConnectPacket): StoredWill | undefined => {
  if (will === undefined) return undefined
  const { topic, payload, qos = 0, retain = false, properties } = will
  const message = Message.of({
    topic,
    payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
    properties: willProperties ?? Buffer.alloc(0),
    qos,
    retain,
  })
  return {
    message,
    delaySeconds: properties?.willDelayInterval ?? 0,
    messageExpiryInterval: properties?.messageExpiryInterval ?? -1,
  }
}
