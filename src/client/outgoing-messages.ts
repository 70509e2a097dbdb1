import type { PropertiesObject } from '../mqtt/read-properties.ts'
import { ClientError } from './client-error.ts'
import type { PublishFields } from './client-packet.ts'
import type { Payload } from './payload.ts'

/** A message to be published. */
export interface PublishMessage extends Omit<PublishFields, 'payloadLength'> {
  readonly payload: Payload
}

/** The end of a publication at QoS 1 or 2. */
export interface PublishResult {
  /** Of PUBACK, PUBREC or PUBCOMP; 0 at QoS 0. */
  readonly reasonCode: number
  readonly properties: PropertiesObject
}

/** A message at QoS 1 or 2 that is not acknowledged. */
export interface OutgoingMessage {
  readonly packetIdentifier: number
  readonly message: PublishMessage
  /** What the broker has to send: PUBACK or PUBREC, then PUBCOMP. */
  state: 'published' | 'released'
  /** Whether PUBLISH was sent before, in this session. */
  wasSent: boolean
  /** Whether PUBLISH was sent on this network connection: it counts against Receive Maximum. */
  isOnConnection: boolean
  /** Gets the number of bytes of a streamed payload that were sent. */
  readonly progress: ((bytes: number) => void) | undefined
  readonly resolve: (result: PublishResult) => void
  readonly reject: (error: Error) => void
}

const NO_PROPERTIES: PropertiesObject = {}

/** Messages in flight and the Packet Identifiers of a client. They outlive its network connections. */
export class OutgoingMessages {
  readonly #inFlight = new Map<number, OutgoingMessage>()
  readonly #reserved = new Set<number>()
  /** Callers that wait for a place, in the order in which they came. */
  readonly #waiting: (() => void)[] = []
  /** Messages that are to be sent on this connection, from `#nextToSend` on, in order. Some may have ended meanwhile. */
  #toSend: OutgoingMessage[] = []
  #nextToSend = 0
  /** Messages in flight that were sent on this connection. */
  #onConnection = 0
  /** Why no more messages are taken. */
  #failure: ClientError | undefined
  #lastIdentifier = 0
  /** Receive Maximum of the broker on this connection, at most the caller's own limit. */
  #maximum = 65_535
  /** Messages in flight, also before they have a Packet Identifier. */
  #places = 0

  get size(): number {
    return this.#inFlight.size
  }

  /** A Packet Identifier for SUBSCRIBE or UNSUBSCRIBE. */
  reserve(): number {
    const identifier = this.#nextIdentifier()
    this.#reserved.add(identifier)
    return identifier
  }

  free(identifier: number): void {
    this.#reserved.delete(identifier)
  }

  /**
   * A new network connection: nothing was sent on it, and what is in flight is to be sent again [MQTT-4.4.0-1].
   * @param maximum Receive Maximum of the broker, which may be lower than that of the connection before.
   */
  beginConnection(maximum: number): void {
    this.#maximum = maximum
    this.#onConnection = 0
    this.#toSend = this.all().filter(({ state }) => state === 'published')
    this.#nextToSend = 0
    for (const entry of this.#inFlight.values()) entry.isOnConnection = false
    this.#admit()
  }

  /** Waits until Receive Maximum allows another message, then notes it to be sent. @throws ClientError after `fail`. */
  async add(
    message: PublishMessage,
    progress?: (bytes: number) => void,
  ): Promise<{ readonly done: Promise<PublishResult> }> {
    if (this.#failure === undefined && this.#places < this.#maximum) this.#places += 1
    else if (this.#failure === undefined) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    if (this.#failure !== undefined) throw this.#failure
    const done = new Promise<PublishResult>((resolve, reject) => {
      const packetIdentifier = this.#nextIdentifier()
      const state = { state: 'published', wasSent: false, isOnConnection: false } as const
      const entry: OutgoingMessage = { packetIdentifier, message, progress, ...state, resolve, reject }
      this.#inFlight.set(packetIdentifier, entry)
      this.#toSend.push(entry)
    })
    // It is also handed to the caller, who may not wait for it yet.
    done.catch(() => {})
    return { done }
  }

  /**
   * The next message that is to be sent on this connection, counted as sent; undefined when there is none, or when as many as
   * Receive Maximum allows are not acknowledged [MQTT-3.3.4-9].
   */
  takeNext(): OutgoingMessage | undefined {
    while (this.#onConnection < this.#maximum) {
      const entry = this.#toSend[this.#nextToSend]
      if (entry === undefined) {
        this.#toSend.length = 0
        this.#nextToSend = 0
        return undefined
      }
      this.#nextToSend += 1
      if (this.#inFlight.get(entry.packetIdentifier) !== entry || entry.state === 'released') continue
      entry.isOnConnection = true
      this.#onConnection += 1
      return entry
    }
    return undefined
  }

  /** PUBACK, PUBCOMP, or a PUBREC that refuses: the message is done. @returns whether it was in flight. */
  complete(packetIdentifier: number, reasonCode: number, properties = NO_PROPERTIES): boolean {
    const entry = this.#inFlight.get(packetIdentifier)
    if (entry === undefined) return false
    this.#remove(entry)
    entry.resolve({ reasonCode, properties })
    return true
  }

  /** The message could not be sent. */
  abandon(packetIdentifier: number, error: Error): void {
    const entry = this.#inFlight.get(packetIdentifier)
    if (entry === undefined) return
    this.#remove(entry)
    entry.reject(error)
  }

  /** PUBREC. @returns false when there is no such message at QoS 2. */
  release(packetIdentifier: number): boolean {
    const entry = this.#inFlight.get(packetIdentifier)
    if (entry === undefined || !entry.wasSent || entry.message.qos !== 2) return false
    entry.state = 'released'
    return true
  }

  get(packetIdentifier: number): OutgoingMessage | undefined {
    return this.#inFlight.get(packetIdentifier)
  }

  /** In the order in which they were sent. */
  all(): readonly OutgoingMessage[] {
    return [...this.#inFlight.values()]
  }

  /** The broker has no session: what it had received is done, the rest is new to it. */
  forgetSession(): void {
    for (const entry of this.all()) {
      if (entry.state === 'released') this.complete(entry.packetIdentifier, 0)
      else entry.wasSent = false
    }
  }

  /** Ends all with an error, also those that wait for their place. */
  fail(error: ClientError): void {
    this.#failure = error
    for (const resume of this.#waiting.splice(0)) resume()
    for (const { packetIdentifier } of this.all()) this.abandon(packetIdentifier, error)
  }

  #remove({ packetIdentifier, isOnConnection }: OutgoingMessage): void {
    this.#inFlight.delete(packetIdentifier)
    if (isOnConnection) this.#onConnection -= 1
    this.#places -= 1
    this.#admit()
  }

  /** Gives places to those that wait longest. */
  #admit(): void {
    while (this.#places < this.#maximum && this.#waiting.length > 0) {
      this.#places += 1
      this.#waiting.shift()!()
    }
  }

  #nextIdentifier(): number {
    for (let tries = 0; tries < 65_535; tries += 1) {
      this.#lastIdentifier = (this.#lastIdentifier % 65_535) + 1
      if (!this.#inFlight.has(this.#lastIdentifier) && !this.#reserved.has(this.#lastIdentifier))
        return this.#lastIdentifier
    }
    throw new ClientError('NOT_SUPPORTED', 'All 65,535 Packet Identifiers are in use.')
  }
}
