import { ReasonCode } from './reason-code.ts'

/** The names of the Reason Codes as section 2.4 writes them. */
const NAMES: Readonly<Record<ReasonCode, string>> = {
  [ReasonCode.Success]: 'Success',
  [ReasonCode.GrantedQoS1]: 'Granted QoS 1',
  [ReasonCode.GrantedQoS2]: 'Granted QoS 2',
  [ReasonCode.DisconnectWithWillMessage]: 'Disconnect with Will Message',
  [ReasonCode.NoMatchingSubscribers]: 'No matching subscribers',
  [ReasonCode.NoSubscriptionExisted]: 'No subscription existed',
  [ReasonCode.ContinueAuthentication]: 'Continue authentication',
  [ReasonCode.ReAuthenticate]: 'Re-authenticate',
  [ReasonCode.UnspecifiedError]: 'Unspecified error',
  [ReasonCode.MalformedPacket]: 'Malformed Packet',
  [ReasonCode.ProtocolError]: 'Protocol Error',
  [ReasonCode.ImplementationSpecificError]: 'Implementation specific error',
  [ReasonCode.UnsupportedProtocolVersion]: 'Unsupported Protocol Version',
  [ReasonCode.ClientIdentifierNotValid]: 'Client Identifier not valid',
  [ReasonCode.BadUserNameOrPassword]: 'Bad User Name or Password',
  [ReasonCode.NotAuthorized]: 'Not authorized',
  [ReasonCode.ServerUnavailable]: 'Server unavailable',
  [ReasonCode.ServerBusy]: 'Server busy',
  [ReasonCode.Banned]: 'Banned',
  [ReasonCode.ServerShuttingDown]: 'Server shutting down',
  [ReasonCode.BadAuthenticationMethod]: 'Bad authentication method',
  [ReasonCode.KeepAliveTimeout]: 'Keep Alive timeout',
  [ReasonCode.SessionTakenOver]: 'Session taken over',
  [ReasonCode.TopicFilterInvalid]: 'Topic Filter invalid',
  [ReasonCode.TopicNameInvalid]: 'Topic Name invalid',
  [ReasonCode.PacketIdentifierInUse]: 'Packet Identifier in use',
  [ReasonCode.PacketIdentifierNotFound]: 'Packet Identifier not found',
  [ReasonCode.ReceiveMaximumExceeded]: 'Receive Maximum exceeded',
  [ReasonCode.TopicAliasInvalid]: 'Topic Alias invalid',
  [ReasonCode.PacketTooLarge]: 'Packet too large',
  [ReasonCode.MessageRateTooHigh]: 'Message rate too high',
  [ReasonCode.QuotaExceeded]: 'Quota exceeded',
  [ReasonCode.AdministrativeAction]: 'Administrative action',
  [ReasonCode.PayloadFormatInvalid]: 'Payload format invalid',
  [ReasonCode.RetainNotSupported]: 'Retain not supported',
  [ReasonCode.QoSNotSupported]: 'QoS not supported',
  [ReasonCode.UseAnotherServer]: 'Use another server',
  [ReasonCode.ServerMoved]: 'Server moved',
  [ReasonCode.SharedSubscriptionsNotSupported]: 'Shared Subscriptions not supported',
  [ReasonCode.ConnectionRateExceeded]: 'Connection rate exceeded',
  [ReasonCode.MaximumConnectTime]: 'Maximum connect time',
  [ReasonCode.SubscriptionIdentifiersNotSupported]: 'Subscription Identifiers not supported',
  [ReasonCode.WildcardSubscriptionsNotSupported]: 'Wildcard Subscriptions not supported',
}

/**
 * A Reason Code for the log, by its name and its value: `Not authorized (0x87)`.
 * @param code one byte; a code that the specification does not define is named as such.
 */
export const describeReasonCode = (code: number): string => {
  const name = NAMES[code as ReasonCode] ?? 'Undefined Reason Code'
  return `${name} (${hexByte(code)})`
}

/** The same for a DISCONNECT packet, where 0x00 has another name (section 3.14.2.1). */
export const describeDisconnectReason = (code: number): string =>
  code === ReasonCode.Success ? `Normal disconnection (${hexByte(code)})` : describeReasonCode(code)

const hexByte = (code: number): string => `0x${code.toString(16).toUpperCase().padStart(2, '0')}`
