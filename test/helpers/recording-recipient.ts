import type { QoS } from 'mqtt-packet'
import type { Identity } from '../../src/kinds/authorizer.ts'
import type { DisconnectOptions, Recipient, RecipientDescription, RecipientInfo } from '../../src/kinds/recipient.ts'
import type { Message } from '../../src/mqtt/message.ts'
import { Publish, type PublishFields } from '../../src/mqtt/publish.ts'
import { peerAt } from './peer-at.ts'

/** A connected client without a handler: it keeps what the broker sends it as text. */
export class RecordingRecipient implements Recipient {
  readonly identity: Identity
  readonly isVersion5: boolean
  readonly sent: string[] = []
  /** Packet Identifiers that it was sent at each QoS and has not acknowledged, the oldest first. */
  readonly unacknowledged: { readonly qos: QoS; readonly packetIdentifier: number }[] = []
  readonly received: number[] = []
  isConnected = true
  isCongested = false
  onDisconnect: (why: string, options: DisconnectOptions | undefined) => void = () => undefined
  #prepared = ''
  #qos: QoS = 0
  readonly #publish: PublishFields = new Publish()

  constructor(clientId: string, isVersion5 = true) {
    this.identity = { clientId, userName: undefined, peer: peerAt('127.0.0.1:1') }
    this.isVersion5 = isVersion5
  }

  get sendable(): boolean {
    return this.isConnected && !this.isCongested
  }

  prepare(message: Message, qos: QoS, retain: boolean, identifiers: readonly number[]): PublishFields {
    this.#prepared = `${message.topic} ${message.payload.toString()} ${qos} ${retain} ${identifiers.join()}`
    this.#qos = qos
    return this.#publish
  }

  sendPublish({ packetIdentifier, dup }: Publish): void {
    this.sent.push(`${this.#prepared} ${packetIdentifier} ${dup}`)
    this.unacknowledged.push({ qos: this.#qos, packetIdentifier })
  }

  deliverQoS0(message: Message, retain: boolean, identifiers: readonly number[]): void {
    if (this.sendable)
      this.sent.push(`${message.topic} ${message.payload.toString()} 0 ${retain} ${identifiers.join()}`)
  }

  deliverRun(): boolean {
    return false
  }

  takesRun(): boolean {
    return false
  }

  sendRun(): boolean {
    return false
  }

  sendPubrel(packetIdentifier: number): void {
    this.sent.push(`pubrel ${packetIdentifier}`)
    this.received.push(packetIdentifier)
  }

  chargeWork(): void {}

  pauseForPublication(): void {}

  resumeAfterPublication(): void {}

  releaseAnswers(): boolean {
    this.sent.push('answers')
    return false
  }

  disconnect(reasonCode: number, why: string, options?: DisconnectOptions): void {
    this.sent.push(`disconnect ${reasonCode}`)
    this.isConnected = false
    this.onDisconnect(why, options)
  }

  describe(): RecipientDescription {
    return { text: this.identity.clientId, fields: { client: this.identity.clientId } }
  }

  info(): RecipientInfo {
    return { protocolVersion: 5, connectedAtMs: 0, keepAliveSeconds: 0, pendingBytes: 0, bytesReceived: 0 }
  }
}
