import type { IConnackPacket } from 'mqtt-packet'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { ConnectReturnCode, ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { Client } from './client.ts'
import type { ConnectRequest } from './connect-request.ts'
import type { Terms } from './terms.ts'

type Properties = NonNullable<IConnackPacket['properties']>

/** The decisions about an accepted client. */
export interface Acceptance {
  readonly sessionPresent: boolean
  readonly terms: Terms
  /** In seconds; 0 is none. */
  readonly keepAlive: number
  readonly authenticationData: Uint8Array | undefined
}

/** CONNACK for a client that is accepted. */
export const accepted = (client: Client, request: ConnectRequest, acceptance: Acceptance): IConnackPacket => {
  const { sessionPresent } = acceptance
  if (client.isVersion5) {
    const properties = { ...capabilities(client, acceptance.terms), ...answers(client, request, acceptance) }
    return { cmd: 'connack', sessionPresent, reasonCode: ReasonCode.Success, properties }
  }
  // MQTT 3.1 knows no Session Present: the byte is reserved.
  const known = client.connection.protocolVersion === 4
  return { cmd: 'connack', sessionPresent: sessionPresent && known, returnCode: ConnectReturnCode.Accepted }
}

/**
 * CONNACK for a refused client; undefined if its version has no code for the reason. The connection is then closed without an
 * answer. Session Present is 0 [MQTT-3.2.2-6].
 */
export const refused = (
  version: ProtocolVersion,
  reasonCode: ReasonCode,
  properties: Pick<Properties, 'reasonString' | 'serverReference'>,
): IConnackPacket | undefined => {
  if (version === 5) {
    const said = Object.keys(properties).length > 0 ? { properties } : {}
    return { cmd: 'connack', sessionPresent: false, reasonCode, ...said }
  }
  const returnCode = RETURN_CODES.get(reasonCode)
  return returnCode === undefined ? undefined : { cmd: 'connack', sessionPresent: false, returnCode }
}

/** The Return Codes of MQTT 3 for refusals. A client that breaks the protocol gets none: its connection is closed. */
const RETURN_CODES: ReadonlyMap<ReasonCode, ConnectReturnCode> = new Map<ReasonCode, ConnectReturnCode>([
  [ReasonCode.UnsupportedProtocolVersion, ConnectReturnCode.UnacceptableProtocolVersion],
  [ReasonCode.ClientIdentifierNotValid, ConnectReturnCode.IdentifierRejected],
  [ReasonCode.BadUserNameOrPassword, ConnectReturnCode.BadUserNameOrPassword],
  [ReasonCode.NotAuthorized, ConnectReturnCode.NotAuthorized],
  [ReasonCode.Banned, ConnectReturnCode.NotAuthorized],
  [ReasonCode.QoSNotSupported, ConnectReturnCode.NotAuthorized],
  [ReasonCode.RetainNotSupported, ConnectReturnCode.NotAuthorized],
  [ReasonCode.ServerUnavailable, ConnectReturnCode.ServerUnavailable],
  [ReasonCode.ServerBusy, ConnectReturnCode.ServerUnavailable],
  [ReasonCode.QuotaExceeded, ConnectReturnCode.ServerUnavailable],
  [ReasonCode.UnspecifiedError, ConnectReturnCode.ServerUnavailable],
  [ReasonCode.UseAnotherServer, ConnectReturnCode.ServerUnavailable],
  [ReasonCode.ServerMoved, ConnectReturnCode.ServerUnavailable],
])

/** The capabilities of this broker that differ from the defaults of the specification (section 3.2.2.3). */
const capabilities = ({ connection }: Client, terms: Terms): Properties => ({
  receiveMaximum: terms.receiveMaximum,
  // [MQTT-3.2.2-9]; the property has a value for 0 and 1 alone, which mqtt-packet writes as a byte.
  ...(terms.maximumQoS < 2 ? { maximumQoS: terms.maximumQoS } : {}),
  ...(terms.retainAvailable ? {} : { retainAvailable: false }),
  ...(Number.isFinite(connection.maximumIncomingPacketSize)
    ? { maximumPacketSize: connection.maximumIncomingPacketSize }
    : {}),
  ...(terms.topicAliasMaximum > 0 ? { topicAliasMaximum: terms.topicAliasMaximum } : {}),
  ...(terms.wildcardSubscriptionAvailable ? {} : { wildcardSubscriptionAvailable: false }),
  ...(terms.subscriptionIdentifiersAvailable ? {} : { subscriptionIdentifiersAvailable: false }),
  ...(terms.sharedSubscriptionAvailable ? {} : { sharedSubscriptionAvailable: false }),
})

/** The answers to the requests of this client. */
const answers = (client: Client, request: ConnectRequest, acceptance: Acceptance): Properties => {
  const { config } = client.handler
  const { clientId } = client.identity
  const information = request.wantsResponseInformation ? config.responseInformation : undefined // [MQTT-3.1.2-28]
  const { authenticationMethod } = request
  const { authenticationData } = acceptance
  return {
    ...(request.expiryShortened ? { sessionExpiryInterval: request.expiryIntervalSeconds } : {}),
    ...(request.clientId === '' ? { assignedClientIdentifier: clientId } : {}), // [MQTT-3.1.3-7]
    ...(acceptance.keepAlive === request.keepAlive ? {} : { serverKeepAlive: acceptance.keepAlive }),
    ...(information === undefined ? {} : { responseInformation: information.replace('%c', () => clientId) }),
    ...(authenticationMethod === undefined ? {} : { authenticationMethod }), // [MQTT-4.12.0-5]
    ...(authenticationData === undefined ? {} : { authenticationData: Buffer.from(authenticationData) }),
  }
}
