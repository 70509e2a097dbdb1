import { TokenBucket, type TokenBucketRecord } from '../../src/collections/token-bucket.ts'
import type { Identity } from '../../src/kinds/authorizer.ts'
import type { Connection, ConnectionEnd } from '../../src/kinds/connection.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import { describePeer } from '../../src/kinds/peer.ts'
import type { RecipientDescription, WillOutcome } from '../../src/kinds/recipient.ts'
import { describeDisconnectReason, describeReasonCode } from '../../src/mqtt/describe-reason-code.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { shortenText } from '../../src/mqtt/shorten-text.ts'
import type { ConnectRequest } from './connect-request.ts'
import { type TakeoverRow, TakeoverWatch } from './takeover-watch.ts'

/** The data of a client in the log. */
export interface LoggedClient {
  /** The Client Identifier; none until its CONNECT packet is accepted. */
  readonly id: string | undefined
  readonly identity: Identity
  readonly connection: Pick<Connection, 'peer' | 'protocolVersion' | 'pendingBytes' | 'bytesReceived'>
  /** The client uses an unsupported version. The version of its connection is that of the answer. */
  readonly versionRefused: boolean
}

/** How the connection of a client ended, for the log. */
export interface ClientEnd {
  /** Who ended it. */
  readonly by: ConnectionEnd['by']
  /** The client sent DISCONNECT. */
  readonly sentDisconnect?: boolean
  /** The Reason Code of the client's DISCONNECT, or the one that the broker has for the client. */
  readonly reasonCode?: number
  /** The Reason String of the client's DISCONNECT. */
  readonly reasonString?: string | undefined
  /** The address of the client that took the Client Identifier over. */
  readonly takenOverBy?: string
  /** The outcome of the Will, if it is already decided. */
  readonly will?: WillOutcome | undefined
}

/** What was logged lately, for the log that continues. */
export interface ClientLogRecord {
  /** By reference. */
  readonly takeovers: Map<string, TakeoverRow>
  readonly crowdedLines: TokenBucketRecord
  readonly passwordSeen: boolean
  readonly userNameSeen: boolean
}

/** The end of a connection that the broker closes. */
export const endedByBroker: ClientEnd = { by: 'broker' }

const VERSIONS: Readonly<Record<ProtocolVersion, string>> = { 3: 'MQTT 3.1', 4: 'MQTT 3.1.1', 5: 'MQTT 5' }

/** Reasons of refusals of which thousands may come in a second. */
const CROWDED: ReadonlySet<number | undefined> = new Set([
  ReasonCode.ServerBusy,
  ReasonCode.Banned,
  ReasonCode.QuotaExceeded,
])

/** So many lines about such refusals are logged at once, and one more in each second. Further ones are logged at `debug`. */
const CROWDED_LINES = 10

/** Reasons to end a connection that need no warning, since the client made no error. */
const ORDINARY: ReadonlySet<number | undefined> = new Set([
  ReasonCode.SessionTakenOver,
  ReasonCode.ServerShuttingDown,
  ReasonCode.UseAnotherServer,
  ReasonCode.ServerMoved,
  ReasonCode.AdministrativeAction,
  ReasonCode.MaximumConnectTime,
])

/**
 * Writes the lines about clients that connect, disconnect, or are refused. Every line has the Client Identifier, address,
 * version and user name of the client, as far as they are known. Text is built only for lines that are
 * written, since clients may connect by the thousand.
 */
export class ClientLog {
  /** A reset may replace it. */
  log: Logger
  readonly #takeovers = new TakeoverWatch()
  #crowdedLines = new TokenBucket(CROWDED_LINES, performance.now())
  #passwordSeen = false
  #userNameSeen = false

  constructor(log: Logger) {
    this.log = log
  }

  handOver(): ClientLogRecord {
    return {
      takeovers: this.#takeovers.handOver(),
      crowdedLines: this.#crowdedLines.handOver(),
      passwordSeen: this.#passwordSeen,
      userNameSeen: this.#userNameSeen,
    }
  }

  continueWith({ takeovers, crowdedLines, passwordSeen, userNameSeen }: ClientLogRecord): void {
    this.#takeovers.continueWith(takeovers)
    this.#crowdedLines = TokenBucket.from(crowdedLines)
    this.#passwordSeen = passwordSeen
    this.#userNameSeen = userNameSeen
  }

  connected(client: LoggedClient, request: ConnectRequest, keepAlive: number, sessionPresent: boolean): void {
    const level = this.#isRepeated(client) ? 'debug' : 'info'
    if (!this.log.isLevelEnabled(level)) return
    const session = request.cleanStart ? 'clean start' : sessionPresent ? 'session present' : 'new session'
    const willTopic = request.will && shortenText(request.will.message.topic)
    const kept = keepAlive === 0 ? 'no keep alive' : `keep alive ${keepAlive} s`
    const will = willTopic === undefined ? undefined : `Will on ${willTopic}`
    this.log[level](
      { ...clientFields(client), session, keepAlive, willTopic },
      `Client connected: ${nameOf(client)}${factsOf(client, [session, kept], will)}`,
    )
  }

  /**
   * The connection of a client has ended.
   * @param accepted whether its CONNECT had been accepted.
   * @param will what becomes of its Will; undefined when it had none.
   */
  ended(client: LoggedClient, why: string, end: ClientEnd, accepted: boolean, will: WillOutcome | undefined): void {
    if (end.takenOverBy !== undefined) this.#takenOver(client, end.takenOverBy)
    const level = this.#levelOf(client, end, accepted)
    if (!this.log.isLevelEnabled(level)) return
    const { reasonCode, reasonString } = end
    const reason = reasonCode === undefined ? undefined : describe(end.by, reasonCode)
    const details = {
      ...clientFields(client),
      // The broker makes every refusal.
      closedBy: accepted || end.by !== 'broker' ? end.by : undefined,
      reason,
      why: end.takenOverBy === undefined ? why : undefined,
      reasonString: reasonString && shortenText(reasonString),
      takenOverBy: end.takenOverBy,
      will,
    }
    const facts = factsOf(client, [], will && `Will ${will}`)
    this.log[level](
      details,
      `${headOf(client, end, accepted)}: ${nameOf(client)}${facts}: ${causeOf(why, reason, end, accepted)}`,
    )
  }

  /** A client sent a password that is not checked. Logged once, since it concerns the config and not the client. */
  passwordIgnored(client: LoggedClient): void {
    if (this.#passwordSeen) return
    this.#passwordSeen = true
    const text =
      'A password was not checked: no component checks the passwords of CONNECT packets. The first one came from'
    this.log.warn(clientFields(client), `${text} ${nameOf(client)}${factsOf(client, [])}`)
  }

  /** An authorizer goes by a user name that is not verified, while others are. Logged once, since it concerns the config. */
  userNameNotVerified(client: LoggedClient): void {
    if (this.#userNameSeen) return
    this.#userNameSeen = true
    const { listener } = client.connection.peer
    const text = `User names of clients of ${listener} are not verified: it has no authenticators, but there is an authorizer.`
    this.log.warn({ ...clientFields(client), listener }, `${text} The first one came from ${nameOf(client)}`)
  }

  /** A client announced a Will on a topic that begins with `$`: the client is let in, and the Will is dropped when it is due. */
  willRefused(client: LoggedClient, willTopic: string): void {
    const topic = shortenText(willTopic)
    this.log.warn(
      { ...clientFields(client), willTopic: topic },
      `Will Message not accepted: ${nameOf(client)}${factsOf(client, [])}: its topic ${topic} begins with $; it is dropped when it is due`,
    )
  }

  /**
   * A message or a subscription of a client was refused.
   * @param details a topic, or why. @param what was refused, in the past tense. @param next what happens to the next ones.
   */
  refused(
    client: LoggedClient,
    reasonCode: ReasonCode,
    details: Readonly<Record<string, string>>,
    what: string,
    next: string,
  ): void {
    if (!this.log.isLevelEnabled('warn')) return
    const reason = describeReasonCode(reasonCode)
    const told = Object.entries(details).map(([key, value]) => (key === 'why' ? value : `${key} ${shortenText(value)}`))
    this.log.warn(
      { ...clientFields(client), reason, ...details },
      `${what}: ${nameOf(client)}${factsOf(client, [])}: ${reason}: ${told.join(', ')}; ${next}`,
    )
  }

  /** A client reads messages at QoS 0 more slowly than they arrive. */
  readsTooSlowly(client: LoggedClient): void {
    const { pendingBytes } = client.connection
    this.log.warn(
      { ...clientFields(client), pendingBytes },
      `Client reads too slowly: ${nameOf(client)}${factsOf(client, [])}: messages at QoS 0 are dropped, ` +
        `${pendingBytes} bytes are pending`,
    )
  }

  #levelOf(client: LoggedClient, end: ClientEnd, accepted: boolean): 'debug' | 'info' | 'warn' {
    if (!accepted && end.by === 'broker' && CROWDED.has(end.reasonCode)) {
      return this.#crowdedLines.takeOne(1, CROWDED_LINES, performance.now()) ? 'warn' : 'debug'
    }
    if (end.by === 'broker' && !ORDINARY.has(end.reasonCode)) return 'warn'
    if (end.takenOverBy !== undefined && this.#isRepeated(client)) return 'debug'
    // For example the health check of a load balancer.
    return !accepted && client.connection.bytesReceived === 0 ? 'debug' : 'info'
  }

  #isRepeated({ identity: { clientId } }: LoggedClient): boolean {
    return this.#takeovers.size > 0 && this.#takeovers.isRepeated(clientId, performance.now())
  }

  #takenOver(client: LoggedClient, by: string): void {
    const repeated = this.#takeovers.takenOver(client.identity.clientId, performance.now())
    if (repeated === undefined) return
    const { takeovers, seconds } = repeated
    this.log.warn(
      { ...clientFields(client), takenOverBy: by, takeovers, seconds },
      `Client Identifier taken over again and again: ${nameOf(client)} by ${by} (${takeovers} times in ${seconds} s). ` +
        'It looks like two devices with the same Client Identifier. Further takeovers of it are logged at level debug',
    )
  }
}

/** The fields that every line about a client has. */
export const clientFields = (client: LoggedClient): Record<string, unknown> => {
  const { id, identity, connection } = client
  const { clientId, userName } = identity
  return {
    client: id ?? (clientId === '' ? undefined : shortenText(clientId)),
    remote: describePeer(connection.peer),
    version: versionOf(client),
    user: userName && shortenText(userName),
  }
}

/** For lines of the log that other parts write: `kitchen from 192.0.2.7:5123 (MQTT 5, user bob)`. */
export const describeClient = (client: LoggedClient): RecipientDescription => ({
  text: nameOf(client) + factsOf(client, []),
  fields: clientFields(client),
})

const versionOf = ({ versionRefused, connection: { protocolVersion } }: LoggedClient): string | undefined =>
  versionRefused || protocolVersion === 0 ? undefined : VERSIONS[protocolVersion]

/** `kitchen from 192.0.2.7:5123` */
const nameOf = ({ id, identity, connection: { peer } }: LoggedClient): string => {
  const name = id ?? identity.clientId
  const remote = describePeer(peer)
  return name === '' ? remote : `${shortenText(name)} from ${remote}`
}

/** ` (MQTT 5, keep alive 60 s, user bob)`; empty when nothing is known. */
const factsOf = (client: LoggedClient, more: readonly string[], last?: string): string => {
  const { identity } = client
  const version = versionOf(client)
  const facts: string[] = []
  if (version !== undefined) facts.push(version)
  facts.push(...more)
  if (identity.userName) facts.push(`user ${shortenText(identity.userName)}`)
  if (last !== undefined) facts.push(last)
  return facts.length === 0 ? '' : ` (${facts.join(', ')})`
}

const headOf = ({ connection, identity }: LoggedClient, { by, reasonCode }: ClientEnd, accepted: boolean): string => {
  if (accepted) return 'Client disconnected'
  const isClient = identity.clientId !== '' || connection.protocolVersion !== 0
  if (by === 'broker' && reasonCode !== ReasonCode.ServerShuttingDown) {
    return isClient ? 'Client refused' : 'Connection refused'
  }
  return 'Connection closed before CONNECT was accepted'
}

const describe = (by: ConnectionEnd['by'], reasonCode: number): string =>
  by === 'broker' ? describeReasonCode(reasonCode) : describeDisconnectReason(reasonCode)

const causeOf = (why: string, reason: string | undefined, end: ClientEnd, accepted: boolean): string => {
  const { by, reasonString, takenOverBy } = end
  switch (by) {
    case 'broker': {
      const text = takenOverBy === undefined ? `: ${why}` : ` by ${takenOverBy}`
      const cause = reason === undefined ? why : reason + text
      return accepted ? `closed by the broker: ${cause}` : cause
    }
    case 'network':
      return /ECONNRESET|EPIPE/.test(why) ? `network connection reset by the client (${why})` : why
    case 'client': {
      const text = reason === undefined ? why : `${why}: ${reason}`
      return reasonString ? `${text}: "${shortenText(reasonString)}"` : text
    }
  }
}
