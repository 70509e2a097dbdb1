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
  readonly resolve: (result: PublishResult) => void
  readonly reject: (error: Error) => void
}

const NO_PROPERTIES: PropertiesObject = {}

/** Messages in flight and the Packet Identifiers of a client. They outlive its network connections. */
export class OutgoingMessages {
  readonly #inFlight = new Map<number, OutgoingMessage>()
  readonly #reserved = new Set<number>()
  readonly #waiting: (() => void)[] = []
  /** Why no more messages are taken. */
  #failure: ClientError | undefined
  #lastIdentifier = 0
  /** Receive Maximum of the broker, at most the caller's own limit. */
  maximum = 65_535
  /** Messages that wait or are in flight, also before they have a Packet Identifier. */
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

  /** Waits until Receive Maximum allows another message, then notes it. [MQTT-3.3.4-9] @throws ClientError after `fail`. */
  async add(
    message: PublishMessage,
  ): Promise<{ readonly entry: OutgoingMessage; readonly done: Promise<PublishResult> }> {
    while (this.#failure === undefined && this.#places >= this.maximum)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    if (this.#failure !== undefined) throw this.#failure
    this.#places += 1
    let entry!: OutgoingMessage
    const done = new Promise<PublishResult>((resolve, reject) => {
      const packetIdentifier = this.#nextIdentifier()
      entry = { packetIdentifier, message, state: 'published', wasSent: false, resolve, reject }
      this.#inFlight.set(packetIdentifier, entry)
    })
    // It is also handed to the caller, who may not wait for it yet.
    done.catch(() => {})
    return { entry, done }
  }

  /** PUBACK, PUBCOMP, or a PUBREC that refuses: the message is done. @returns whether it was in flight. */
  complete(packetIdentifier: number, reasonCode: number, properties = NO_PROPERTIES): boolean {
    const entry = this.#inFlight.get(packetIdentifier)
    if (entry === undefined) return false
    this.#remove(packetIdentifier)
    entry.resolve({ reasonCode, properties })
    return true
  }

  /** The message could not be sent. */
  abandon(packetIdentifier: number, error: Error): void {
    const entry = this.#inFlight.get(packetIdentifier)
    if (entry === undefined) return
    this.#remove(packetIdentifier)
    entry.reject(error)
  }

  /** PUBREC. @returns false when there is no such message at QoS 2. */
  release(packetIdentifier: number): boolean {
    const entry = this.#inFlight.get(packetIdentifier)
    if (entry === undefined || entry.message.qos !== 2) return false
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

  #remove(packetIdentifier: number): void {
    this.#inFlight.delete(packetIdentifier)
    this.#places -= 1
    this.#waiting.shift()?.()
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
