import { isUtf8 } from 'node:buffer'
import type { Refusal } from '../../src/kinds/client-session.ts'
import type { ListenerOptions } from '../../src/kinds/listener-options.ts'
import type { ConnectPacket } from '../../src/kinds/pipeline-stage.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { accept } from './accept.ts'
import { Authentication } from './authentication.ts'
import type { Client } from './client.ts'
import { clientFields } from './client-log.ts'
import { type ConnectRequest, connectRequest } from './connect-request.ts'
import { CredentialsCheck } from './credentials-check.ts'
import { refuse } from './refuse.ts'

/** Takes a CONNECT packet: authenticates the client, if it asks for that, and then accepts it or refuses it. */
export const handleConnect = (client: Client, packet: ConnectPacket): void => {
  const { config } = client.handler
  const version = client.connection.protocolVersion || 4
  const request = connectRequest(packet, version, config)
  // These hold from the first answer on, AUTH or a refusal.
  client.wantsReasons = request.wantsReasons
  client.connection.maximumPacketSize = request.maximumPacketSize
  const { authenticators, connecting } = client.handler
  // Until an authenticator has decided, it is used for the log alone.
  const userName = authenticators.chainOf(client.connection.listener).hidesUserNames ? undefined : request.userName
  client.identity = { clientId: request.clientId, userName, peer: client.connection.peer }
  client.connection.clientId = request.clientId
  if (client.connection.banned) {
    refuse(client, ReasonCode.Banned, 'its address has been banned since it connected', '')
    return
  }
  if (!connecting.begin(client)) {
    refuse(
      client,
      ReasonCode.ServerBusy,
      `${connecting.count} clients wait to be accepted, as maximumConnecting allows`,
      '',
    )
    return
  }
  if (config.serverReference !== undefined) {
    const { server, moved } = config.serverReference
    const reasonCode = moved ? ReasonCode.ServerMoved : ReasonCode.UseAnotherServer
    refuse(client, reasonCode, 'serverReference is set', '', { serverReference: server })
    return
  }
  if (!acceptsVersion(client.connection.listener, version)) {
    // [3.1.1 MQTT-3.1.2-2] [MQTT-3.1.2-2]
    client.versionRefused = true
    refuse(client, ReasonCode.UnsupportedProtocolVersion, 'The listener does not accept this version of MQTT.')
    return
  }
  const problem = problemOf(client, request)
  if (problem !== undefined) {
    refuse(client, problem.reasonCode, problem.why)
    return
  }
  // A client without an identifier gets an unused one [MQTT-3.1.3-6].
  if (request.clientId === '') {
    const clientId = client.handler.broker.unusedId(config.assignedClientIdentifierPrefix)
    client.identity = { ...client.identity, clientId }
    client.connection.clientId = clientId
  }
  if (request.authenticationMethod === undefined) {
    withoutMethod(client, request, packet.password)
    return
  }
  const method = client.handler.authenticationMethods.get(request.authenticationMethod)
  if (method === undefined) {
    refuse(client, ReasonCode.BadAuthenticationMethod, 'unknown Authentication Method') // [MQTT-4.12.0-1]
    return
  }
  client.authenticating()
  const authentication = new Authentication(client, { method, request, exchange: undefined })
  client.authentication = authentication
  authentication.begin(request.authenticationData)
}

/**
 * The client names no Authentication Method: the authenticators of its listener decide. If there is nothing to check it by, it is let
 * in, and its user name is not verified: the server opens such a listener only where the config allows that.
 * @param password lent.
 */
const withoutMethod = (client: Client, request: ConnectRequest, password: ConnectPacket['password']): void => {
  const { authenticators, broker, clientLog, log } = client.handler
  const { listener } = client.connection
  const chain = authenticators.chainOf(listener)
  if (chain.unknown.length > 0) {
    log.error(clientFields(client), `A listener names authenticators that do not exist: ${chain.unknown.join(', ')}`)
    refuse(client, ReasonCode.ServerUnavailable, 'its listener names authenticators that are not there', '')
  } else if (authenticators.checks(chain)) {
    const bytes = typeof password === 'string' ? Buffer.from(password) : password
    const check = CredentialsCheck.of(client, request, chain.records, bytes)
    client.check = check
    check.begin()
  } else if (listener.allowAnonymous === false) {
    refuse(client, ReasonCode.NotAuthorized, 'its listener has no authenticator, and allowAnonymous is false', '')
  } else {
    if (request.hasPassword) clientLog.passwordIgnored(client)
    // If nothing is checked, the handler has logged that at its start.
    if (request.userName !== undefined && broker.isAuthorized && authenticators.size > 0) {
      clientLog.userNameNotVerified(client)
    }
    accept(client, request)
  }
}

const acceptsVersion = ({ protocolVersions }: ListenerOptions, version: ProtocolVersion): boolean =>
  protocolVersions === undefined || protocolVersions.includes(VERSION_NAMES[version])

const VERSION_NAMES = { 3: '3.1', 4: '3.1.1', 5: '5.0' } as const

/** Why this CONNECT packet cannot be accepted from any client; undefined if it can. */
const problemOf = (client: Client, request: ConnectRequest): Refusal | undefined => {
  const { config } = client.handler
  const terms = client.handler.currentTerms(client.connection.listener)
  const { clientId, will } = request
  if (clientId.length > config.maximumClientIdentifierLength) {
    return { reasonCode: ReasonCode.ClientIdentifierNotValid, why: 'The Client Identifier is too long.' }
  }
  const { protocolVersion } = client.connection
  // MQTT 3.1 always asks for an identifier; in 3.1.1 one without has no session to come back to [3.1.1 MQTT-3.1.3-8].
  if (clientId === '' && (protocolVersion === 3 || (protocolVersion === 4 && !request.cleanStart))) {
    return { reasonCode: ReasonCode.ClientIdentifierNotValid, why: 'There is no Client Identifier.' }
  }
  // A server may refuse it [MQTT-3.1.3-8] [3.1.1 MQTT-3.1.3-9].
  if (clientId === '' && !config.allowEmptyClientIdentifier) {
    return { reasonCode: ReasonCode.ClientIdentifierNotValid, why: 'The Client Identifier may not be empty.' }
  }
  const assigned = clientId === '' ? config.assignedClientIdentifierPrefix : clientId
  if (config.clientIdentifierPrefix !== undefined && !assigned.startsWith(config.clientIdentifierPrefix)) {
    return { reasonCode: ReasonCode.ClientIdentifierNotValid, why: 'The Client Identifier may not begin like this.' }
  }
  if (will === undefined) return undefined
  if (will.message.qos > terms.maximumQoS) {
    return { reasonCode: ReasonCode.QoSNotSupported, why: 'The Will QoS is not supported.' } // [MQTT-3.2.2-12]
  }
  if (will.message.retain && !terms.retainAvailable) {
    return { reasonCode: ReasonCode.RetainNotSupported, why: 'Messages cannot be retained.' } // [MQTT-3.2.2-13]
  }
  if (will.message.payloadLength > config.maximumPayloadBytes) {
    client.handler.counters.tooLargePayloads += 1
    return { reasonCode: ReasonCode.QuotaExceeded, why: 'The Will Payload is larger than maximumPayloadBytes.' }
  }
  if (config.checkPayloadFormat && request.willPayloadIsUtf8 && !isUtf8(will.message.payload)) {
    return { reasonCode: ReasonCode.PayloadFormatInvalid, why: 'The Will Payload is not UTF-8.' }
  }
  return undefined
}
