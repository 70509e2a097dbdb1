import type { SessionRequest } from '../../src/kinds/client-broker.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { isServerTopic } from '../../src/mqtt/server-topic.ts'
import { type AnswerPurpose, awaitAnswer } from './await-answer.ts'
import type { Client } from './client.ts'
import { clientFields } from './client-log.ts'
import type { PurposeRecord } from './client-record.ts'
import { accepted } from './connack.ts'
import type { ConnectRequest } from './connect-request.ts'
import { takes } from './packet-size.ts'
import { Phase } from './phase.ts'
import { Pause } from './reading.ts'
import { refuse } from './refuse.ts'
import { toldReason } from './told-reason.ts'

/**
 * The client is authenticated, or authentication is not required: claims its session for this process, then accepts or refuses
 * the client.
 * @param authenticationData goes into CONNACK.
 */
export const accept = (client: Client, request: ConnectRequest, authenticationData?: Uint8Array): void => {
  const claim = new Claim(client, request, authenticationData)
  claim.begin()
}

/** The claim of a client's session. It may have to wait until another process has released the session. */
export class Claim implements AnswerPurpose<void> {
  readonly #client: Client
  readonly #request: ConnectRequest
  readonly #authenticationData: Uint8Array | undefined

  constructor(client: Client, request: ConnectRequest, authenticationData: Uint8Array | undefined) {
    this.#client = client
    this.#request = request
    this.#authenticationData = authenticationData
  }

  begin(): void {
    const client = this.#client
    let granted: Promise<void> | undefined
    try {
      granted = client.handler.broker.claim(client.identity.clientId)
    } catch (error) {
      this.failed(error)
      return
    }
    if (granted === undefined) this.take()
    else awaitAnswer(client, granted, this)
  }

  toRecord(): PurposeRecord {
    return { type: 'claim', request: this.#request, authenticationData: this.#authenticationData }
  }

  take(): void {
    acceptOwned(this.#client, this.#request, this.#authenticationData)
  }

  failed(error: unknown): void {
    const client = this.#client
    client.handler.log.error({ ...clientFields(client), err: error }, 'The session of a client was not claimed')
    refuse(client, ReasonCode.ServerUnavailable, 'the session could not be claimed', '')
  }
}

/** This process owns the session. */
const acceptOwned = (client: Client, connect: ConnectRequest, authenticationData: Uint8Array | undefined): void => {
  const { broker, config, clientLog, userConnections } = client.handler
  const request = sessionRequest(client, connect)
  const problem = broker.admit(request)
  if (problem !== undefined) {
    // Nothing has changed: a connected client with this identifier stays connected, and the session remains.
    refuse(client, toldReason(problem.reasonCode, config), problem.why)
    return
  }
  if (!userConnections.hasRoom(client.owner, client.identity.clientId)) {
    client.handler.counters.refusedOfUser += 1
    const why = 'The user has as many connections as maximumConnectionsPerUser allows.'
    refuse(client, ReasonCode.QuotaExceeded, why)
    return
  }
  const terms = client.handler.currentTerms(client.connection.listener)
  // A client of MQTT 3 cannot be told another Keep Alive. A shorter one would disconnect it within its own Keep Alive.
  const keepAlive = client.isVersion5
    ? grantedKeepAlive(connect.keepAlive, config.maximumKeepAliveSeconds)
    : connect.keepAlive
  const answer = (sessionPresent: boolean) =>
    accepted(client, connect, { sessionPresent, terms, keepAlive, authenticationData })
  // Without CONNACK the client would not know that it is connected [MQTT-3.1.2-24].
  if (client.connection.maximumPacketSize !== Number.POSITIVE_INFINITY && !takes(client, answer(false))) {
    refuse(client, ReasonCode.PacketTooLarge, 'CONNACK is larger than the Maximum Packet Size of the client')
    return
  }
  const opened = broker.open(client, request)
  if (opened === undefined) {
    refuse(client, ReasonCode.ServerUnavailable, 'The server cannot read its storage at present.')
    return
  }
  const { session, isPresent, batch } = opened
  client.gate.resumed()
  client.accept(session, connect, terms, keepAlive)
  clientLog.connected(client, connect, keepAlive, isPresent)
  if (connect.will !== undefined && isServerTopic(connect.will.message)) {
    clientLog.willRefused(client, connect.will.message.topic)
  }
  // Clients of stored sessions can fetch their messages even while the store cannot write.
  if (!client.gate.send(answer(isPresent), true, 'connected', batch)) client.reading.pause(Pause.Connack)
  const { cleanStart, expiryIntervalSeconds } = connect
  // Its first messages may have ended the connection, if more of them could not be read: no event may follow the end.
  if (client.phase === Phase.Ended) return
  broker.watch?.connected(client.summary(), { cleanStart, sessionPresent: isPresent, expiryIntervalSeconds })
}

const sessionRequest = (client: Client, request: ConnectRequest): SessionRequest => ({
  identity: client.identity,
  owner: client.owner,
  cleanStart: request.cleanStart,
  expiryIntervalSeconds: request.expiryIntervalSeconds,
  receiveMaximum: request.receiveMaximum,
  will: request.will,
})

/** @param asked 0 for none. @param maximum undefined for no limit. */
const grantedKeepAlive = (asked: number, maximum: number | undefined): number =>
  maximum === undefined ? asked : asked === 0 ? maximum : Math.min(asked, maximum)
