import type { Broker } from '../../src/kinds/broker.ts'
import type { Connection } from '../../src/kinds/connection.ts'
import type { RunningTrace, TraceFilter, Tracer } from '../../src/kinds/tracer.ts'

/** What is known of a connection, for the stage that continues with it. */
export interface TracedRecord {
  readonly clientId: string | undefined
  readonly userName: string | undefined
  /** By reference. */
  readonly aliases: Map<number, string> | undefined
  readonly matching: readonly RunningTrace[]
  readonly lookedAt: Tracer['running']
  readonly shown: number
}

/** Finds what the broker knows of a connection. */
export interface BrokerHolder {
  readonly broker: Broker | undefined
}

/** What the two sides of a connection share: whose it is, and which traces follow it. */
export class TracedConnection {
  readonly connection: Connection
  readonly tracer: Tracer
  /** The Client Identifier, from CONNECT or the one that the server chose. */
  clientId: string | undefined
  /** The User Name of CONNECT, which is not verified. */
  userName: string | undefined
  /**
   * So many of the next PUBLISH packets from the client were traced already: with a run that the stages behind have not taken, or not
   * all of it.
   */
  shown: number
  /** The stage, whose broker a reset may replace. */
  readonly #stage: BrokerHolder
  /** The topics that the client gave aliases since a trace follows it: a PUBLISH may have the alias alone. */
  #aliases: Map<number, string> | undefined
  /** The traces whose filter this client fits, apart from the topic; found for the list `#lookedAt`. */
  #matching: readonly RunningTrace[] = []
  #lookedAt: Tracer['running']

  /** @param handed what the stage before knew of the connection. Without it the connection may be in its middle all the same. */
  constructor(connection: Connection, tracer: Tracer, stage: BrokerHolder, handed?: TracedRecord) {
    this.connection = connection
    this.tracer = tracer
    this.#stage = stage
    this.clientId = handed?.clientId ?? connection.clientId
    this.userName = handed?.userName
    this.#aliases = handed?.aliases
    this.#matching = handed?.matching ?? NO_TRACES
    this.#lookedAt = handed?.lookedAt
    this.shown = handed?.shown ?? 0
  }

  handOver(): TracedRecord {
    const { clientId, userName, shown } = this
    return { clientId, userName, aliases: this.#aliases, matching: this.#matching, lookedAt: this.#lookedAt, shown }
  }

  /** The client has another name or user than before: it fits other traces. */
  changed(): void {
    this.#lookedAt = undefined
  }

  /** The traces that follow this client, if some run. */
  traces(): readonly RunningTrace[] {
    const { running } = this.tracer
    if (running === undefined) return NO_TRACES
    if (running !== this.#lookedAt) {
      this.#lookedAt = running
      // Without a trace that goes on, packets were not looked at meanwhile, and their aliases may have another topic now.
      if (!this.#matching.some(({ isRunning }) => isRunning)) this.#aliases = undefined
      this.#matching = running.filter(({ filter }) => this.#fits(filter))
      if (this.#matching.length === 0) this.#aliases = undefined
    }
    return this.#matching
  }

  /** The topic of a PUBLISH from the client. Empty if it was given an alias before a trace followed the client. */
  topicOf(topic: string, alias: number): string {
    if (alias === 0) return topic
    if (topic === '') return this.#aliases?.get(alias) ?? ''
    this.#aliases ??= new Map()
    this.#aliases.set(alias, topic)
    return topic
  }

  #fits({ clientId, userName, address }: TraceFilter): boolean {
    if (address !== undefined && this.connection.peer.address !== address) return false
    if (clientId !== undefined && this.clientId !== clientId && !this.#isClient(clientId)) return false
    return userName === undefined || this.userName === userName || this.#isOfUser(userName)
  }

  /** Whether the broker knows this connection under another name than CONNECT had. */
  #isClient(clientId: string): boolean {
    return this.#stage.broker?.client(clientId)?.peer === this.connection.peer
  }

  /** Whether authentication found this user, for example in a certificate. */
  #isOfUser(userName: string): boolean {
    if (this.clientId === undefined) return false
    const client = this.#stage.broker?.client(this.clientId)
    return client?.peer === this.connection.peer && client.userName === userName
  }
}

const NO_TRACES: readonly RunningTrace[] = []
