import { isUtf8 } from 'node:buffer'
import type { ConnectPacket } from '../../src/kinds/pipeline-stage.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { Authentication } from './authentication.ts'
import type { Client } from './client.ts'
import { takenOver } from './client-log.ts'
import { accepted } from './connack.ts'
import { type ConnectRequest, connectRequest } from './connect-request.ts'
import { takes } from './packet-size.ts'
import { mayPublish } from './publishing.ts'
import { Pause } from './reading.ts'
import { refuse } from './refuse.ts'
import { isServerTopic } from './server-topic.ts'
import type { Session } from './session.ts'
import { willCost } from './will.ts'

/** Takes a CONNECT packet: authenticates the client, if it asks for that, and then accepts it or refuses it. */
export const handleConnect = (client: Client, packet: ConnectPacket): void => {
  const { config } = client.handler
  const version = client.connection.protocolVersion || 4
  const request = connectRequest(packet, version, config)
  // These hold from the first answer on, AUTH or a refusal.
  client.wantsReasons = request.wantsReasons
  client.connection.maximumPacketSize = request.maximumPacketSize
  client.identity = { clientId: request.clientId, userName: request.userName, peer: client.connection.peer }
  if (config.serverReference !== undefined) {
    const { server, moved } = config.serverReference
    const reasonCode = moved ? ReasonCode.ServerMoved : ReasonCode.UseAnotherServer
    refuse(client, reasonCode, 'serverReference is set', '', { serverReference: server })
    return
  }
  const problem = problemOf(client, request)
  if (problem !== undefined) {
    refuse(client, problem.reasonCode, problem.why)
    return
  }
  // A client without an identifier gets one that nobody has [MQTT-3.1.3-6].
  if (request.clientId === '') {
    client.identity = { ...client.identity, clientId: client.handler.sessions.unusedId() }
  }
  if (request.authenticationMethod === undefined) {
    withoutMethod(client, request)
    return
  }
  const method = client.handler.authenticationMethods.get(request.authenticationMethod)
  if (method === undefined) {
    refuse(client, ReasonCode.BadAuthenticationMethod, 'unknown Authentication Method') // [MQTT-4.12.0-1]
    return
  }
  client.authenticating()
  client.authentication = new Authentication(client, method)
  client.authentication.begin(request.authenticationData, (userName, data) => {
    client.owner = userName
    client.identity = { ...client.identity, userName }
    accept(client, request, data)
  })
}

/** The client names no Authentication Method. Where there are some, it proves nothing: neither that it is this user. */
const withoutMethod = (client: Client, request: ConnectRequest): void => {
  if (client.handler.authenticationMethods.size > 0) {
    if (!client.handler.config.allowUnauthenticated) {
      refuse(client, ReasonCode.NotAuthorized, 'client names no Authentication Method')
      return
    }
    client.identity = { ...client.identity, userName: undefined }
  }
  if (request.hasPassword) client.handler.clientLog.passwordIgnored(client)
  accept(client, request)
}

interface Problem {
  readonly reasonCode: ReasonCode
  readonly why: string
}

/** What keeps this CONNECT packet from being accepted, whoever sent it. */
const problemOf = (client: Client, request: ConnectRequest): Problem | undefined => {
  const { config } = client.handler
  const { clientId, will } = request
  if (clientId.length > config.maximumClientIdentifierLength) {
    return { reasonCode: ReasonCode.ClientIdentifierNotValid, why: 'The Client Identifier is too long.' }
  }
  const { protocolVersion } = client.connection
  // MQTT 3.1 always asks for an identifier; in 3.1.1 one without has no session to come back to [3.1.1 MQTT-3.1.3-8].
  if (clientId === '' && (protocolVersion === 3 || (protocolVersion === 4 && !request.cleanStart))) {
    return { reasonCode: ReasonCode.ClientIdentifierNotValid, why: 'There is no Client Identifier.' }
  }
  if (will === undefined) return undefined
  if (will.message.qos > config.maximumQoS) {
    return { reasonCode: ReasonCode.QoSNotSupported, why: 'The Will QoS is not supported.' } // [MQTT-3.2.2-12]
  }
  if (will.message.retain && !config.retainAvailable) {
    return { reasonCode: ReasonCode.RetainNotSupported, why: 'Messages cannot be retained.' } // [MQTT-3.2.2-13]
  }
  if (config.checkPayloadFormat && request.willPayloadIsUtf8 && !isUtf8(will.message.payload)) {
    return { reasonCode: ReasonCode.PayloadFormatInvalid, why: 'The Will Payload is not UTF-8.' }
  }
  return undefined
}

/** The client is who it says it is, or nobody asks. @param authenticationData goes into CONNACK. */
const accept = (client: Client, request: ConnectRequest, authenticationData?: Uint8Array): void => {
  const { sessions, config } = client.handler
  const existing = sessions.get(client.identity.clientId)
  const problem = ownershipProblem(client, request, existing)
  if (problem !== undefined) {
    // Nothing has happened: whoever is connected with this identifier stays, and the session too.
    refuse(client, problem.reasonCode, problem.why)
    return
  }
  // A client of MQTT 3 cannot be told another one: it would be cut off for a silence that it believes to be allowed.
  const keepAlive = client.isVersion5
    ? grantedKeepAlive(request.keepAlive, config.maximumKeepAliveSeconds)
    : request.keepAlive
  const answer = (sessionPresent: boolean) =>
    accepted(client, request, { sessionPresent, keepAlive, authenticationData })
  // Without its CONNACK the client would never know that it is connected [MQTT-3.1.2-24].
  if (client.connection.maximumPacketSize !== Number.POSITIVE_INFINITY && !takes(client, answer(false))) {
    refuse(client, ReasonCode.PacketTooLarge, 'CONNACK is larger than the Maximum Packet Size of the client')
    return
  }
  const appendedBefore = client.handler.journal.appended
  // Whoever was connected with this identifier is disconnected [MQTT-3.1.4-3].
  if (existing?.client !== undefined) {
    client.handler.totals.takeovers += 1
    const why = 'another connection took over the Client Identifier'
    existing.client.disconnect(ReasonCode.SessionTakenOver, why, why, takenOver(existing, client, request.cleanStart))
  }
  const session = openSession(client, request)
  client.accept(session.session, request, keepAlive)
  session.session.attach(client, request.expiryIntervalSeconds, request.will, request.receiveMaximum)
  client.handler.clientLog.connected(client, request, keepAlive, session.present)
  if (request.will !== undefined && isServerTopic(request.will.message)) {
    client.handler.clientLog.willRefused(client, request.will.message.topic)
  }
  if (client.handler.publications.isBusy(client.identity.clientId)) client.handler.publications.pause(session.session)
  const depends = client.handler.journal.appended !== appendedBefore
  if (client.gate.send(answer(session.present), depends, () => begin(client))) return
  client.reading.pause(Pause.Connack)
}

/** CONNACK has left. */
const begin = (client: Client): void => {
  client.reading.resume(Pause.Connack)
  client.connected()
}

const ownershipProblem = (
  client: Client,
  { will, expiryIntervalSeconds }: ConnectRequest,
  existing: Session | undefined,
): Problem | undefined => {
  const { sessions, config, totals } = client.handler
  if (existing !== undefined && existing.owner !== client.owner) {
    return { reasonCode: ReasonCode.NotAuthorized, why: 'The session belongs to another user.' }
  }
  if (existing === undefined && !sessions.hasRoom(expiryIntervalSeconds > 0)) {
    const bound = sessions.count >= config.maximumSessions ? 'maximumSessions' : 'maximumAwaySessions'
    return { reasonCode: ReasonCode.QuotaExceeded, why: `There are as many sessions as ${bound} allows.` }
  }
  // Messages that wait give way to Wills: full queues alone keep nobody out.
  const willBytes = totals.willBytes - (existing?.willCost ?? 0) + willCost(will)
  if (will !== undefined && willBytes > config.maximumTotalQueuedBytes) {
    return { reasonCode: ReasonCode.QuotaExceeded, why: 'There is no room for the Will Message.' }
  }
  // A Will on a topic of the server is dropped when it is due, like a PUBLISH: every bridge of mosquitto has such a Will.
  if (will === undefined || isServerTopic(will.message)) return undefined
  const allowed = mayPublish(client.handler, will.message, client.identity)
  if (allowed === ReasonCode.Success) return undefined
  return { reasonCode: allowed, why: 'The Will Message may not be published.' }
}

/** Resumes the session of the client [MQTT-3.1.2-5], or makes one [MQTT-3.1.2-4] [MQTT-3.1.2-6]. */
const openSession = (client: Client, request: ConnectRequest): { session: Session; present: boolean } => {
  const { sessions } = client.handler
  const { clientId } = client.identity
  // The connection before may have left a Will that is due, and the session may be over.
  sessions.settle(clientId, client.connection)
  const earlier = sessions.get(clientId)
  if (earlier !== undefined && !request.cleanStart) return { session: earlier, present: true }
  if (earlier !== undefined) sessions.end(earlier, client.connection)
  return { session: sessions.create(clientId, client, request.expiryIntervalSeconds > 0), present: false }
}

/** @param asked 0 for none. @param maximum undefined for no limit. */
const grantedKeepAlive = (asked: number, maximum: number | undefined): number =>
  maximum === undefined ? asked : asked === 0 ? maximum : Math.min(asked, maximum)
