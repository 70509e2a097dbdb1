import type { Broker } from '../../src/kinds/broker.ts'
import type { Connection } from '../../src/kinds/connection.ts'
import type { RunningTrace, TraceFilter, Tracer } from '../../src/kinds/tracer.ts'

/** What the two sides of a connection share: whose it is, and which traces follow it. */
export class TracedConnection {
  readonly connection: Connection
  readonly tracer: Tracer
  /** The Client Identifier, from CONNECT or the one that the server chose. */
  clientId: string | undefined
  /** The User Name of CONNECT, which is not verified. */
  userName: string | undefined
  readonly #broker: Broker | undefined
  /** The topics that the client gave aliases since a trace follows it: a PUBLISH may have the alias alone. */
  #aliases: Map<number, string> | undefined
  /** The traces whose filter this client fits, apart from the topic; found for the list `#lookedAt`. */
  #matching: readonly RunningTrace[] = []
  #lookedAt: Tracer['running']

  constructor(connection: Connection, tracer: Tracer, broker: Broker | undefined) {
    this.connection = connection
    this.tracer = tracer
    this.#broker = broker
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
    return this.#broker?.client(clientId)?.peer === this.connection.peer
  }

  /** Whether authentication found this user, for example in a certificate. */
  #isOfUser(userName: string): boolean {
    if (this.clientId === undefined) return false
    const client = this.#broker?.client(this.clientId)
    return client?.peer === this.connection.peer && client.userName === userName
  }
}

const NO_TRACES: readonly RunningTrace[] = []
