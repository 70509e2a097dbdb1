import type { IConnackPacket, Packet } from 'mqtt-packet'
import { ClientConnection, type PersistentClient } from './connection.ts'

const WINDOW = 20
const REFUSED = 0x80

export interface PublisherOptions {
  readonly index: number
  readonly qos: 1 | 2
  readonly retain: boolean
  readonly protocolVersion: 4 | 5
  readonly port: number
  /** The last number, if there is one. */
  readonly last?: number
  /** Messages that were published and not acknowledged, at most (20). */
  readonly window?: number
  /** The Packet Identifier before the first one (0). */
  readonly identifiersAfter?: number
  /** Reports a broken promise. */
  broken(what: string): void
}

/**
 * Publishes the numbers 1, 2, 3, ... on a topic of its own, and again what was not acknowledged, in order, as MQTT prescribes:
 * under its Packet Identifier, with DUP, after a reconnect.
 */
export class Publisher implements PersistentClient {
  readonly clientId: string
  readonly topic: string
  readonly protocolVersion: 4 | 5
  readonly retain: boolean
  readonly #options: PublisherOptions
  readonly #connection: ClientConnection
  /** By Packet Identifier, in the order of the numbers; `released` once PUBREC came. */
  readonly #inflight = new Map<number, { readonly number: number; released: boolean }>()
  #lastIdentifier: number
  #wasConnected = false
  #isEnding = false
  #isPaused = false
  /** Numbers that were refused because the store could not write: they are published again. */
  readonly #refused: number[] = []
  /** The last number. */
  published = 0
  /** Acknowledged messages. */
  acknowledged = 0

  constructor(options: PublisherOptions) {
    this.#options = options
    this.protocolVersion = options.protocolVersion
    this.retain = options.retain
    this.#lastIdentifier = options.identifiersAfter ?? 0
    this.#isEnding = options.last === 0
    this.clientId = `publisher-${options.index}`
    this.topic = `crash/${options.index}`
    this.#connection = new ClientConnection(this, options.port)
    this.#connection.open()
  }

  /** Publishes no further numbers. */
  end(): void {
    this.#isEnding = true
  }

  /** Publishes no further numbers until it is told otherwise. */
  pause(isPaused: boolean): void {
    this.#isPaused = isPaused
    this.#goOn()
  }

  get isFinished(): boolean {
    return this.#isEnding && this.#inflight.size === 0 && this.#refused.length === 0
  }

  /** Whether CONNACK came over the present connection. */
  get isConnected(): boolean {
    return this.#connection.isAccepted
  }

  open(): void {
    this.#connection.open()
  }

  close(): void {
    this.#connection.close()
  }

  connected({ sessionPresent }: IConnackPacket): void {
    if (this.#wasConnected && !sessionPresent) this.#options.broken(`the session of ${this.clientId} was lost`)
    this.#wasConnected = true
    for (const [messageId, { number, released }] of this.#inflight) {
      if (released) this.#connection.send({ cmd: 'pubrel', messageId })
      else this.#publish(number, messageId, true)
    }
    this.#goOn()
  }

  packet(packet: Packet): void {
    const messageId = packet.messageId ?? 0
    const message = this.#inflight.get(messageId)
    const isRefused = 'reasonCode' in packet && (packet.reasonCode ?? 0) >= REFUSED
    if (packet.cmd === 'puback' || packet.cmd === 'pubrec') {
      if (message === undefined) {
        if (packet.cmd === 'pubrec') this.#connection.send({ cmd: 'pubrel', messageId })
        return
      }
      if (isRefused) {
        this.#inflight.delete(messageId)
        this.#refused.push(message.number)
      } else if (packet.cmd === 'puback') {
        this.acknowledged += 1
        this.#inflight.delete(messageId)
      } else {
        if (!message.released) this.acknowledged += 1
        message.released = true
        this.#connection.send({ cmd: 'pubrel', messageId })
      }
    } else if (packet.cmd === 'pubcomp') this.#inflight.delete(messageId)
    this.#goOn()
  }

  #goOn(): void {
    while (this.#connection.isAccepted && this.#inflight.size < (this.#options.window ?? WINDOW)) {
      const number = this.#refused.shift() ?? (this.#isEnding || this.#isPaused ? undefined : this.published + 1)
      if (number === undefined) return
      this.published = Math.max(this.published, number)
      if (this.published === this.#options.last) this.#isEnding = true
      do this.#lastIdentifier = (this.#lastIdentifier % 65_535) + 1
      while (this.#inflight.has(this.#lastIdentifier))
      this.#inflight.set(this.#lastIdentifier, { number, released: false })
      this.#publish(number, this.#lastIdentifier, false)
    }
  }

  #publish(number: number, messageId: number, dup: boolean): void {
    const { qos, retain } = this.#options
    this.#connection.send({ cmd: 'publish', topic: this.topic, payload: `${number}`, qos, retain, dup, messageId })
  }
}
