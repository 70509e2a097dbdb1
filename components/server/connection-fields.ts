import type { ListenerOptions } from '../../src/kinds/listener-options.ts'
import { describePeer, type Peer } from '../../src/kinds/peer.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import type { ConnectionOwner } from './connection-owner.ts'
import type { CoreListener, FormerListener } from './core-listener.ts'
import { EndDeadline } from './end-deadline.ts'

/** What is known of a connection, for the object that continues for it. */
export interface FieldsRecord {
  readonly id: number
  readonly peer: Peer
  readonly listener: ListenerOptions
  readonly source: FormerListener | undefined
  readonly addressKey: string
  readonly protocolVersion: ProtocolVersion | 0
  readonly clientId: string | undefined
  readonly maximumPacketSize: number
  readonly maximumIncomingPacketSize: number
  readonly authenticating: boolean
  /** When the stream is destroyed that the peer does not close, on the clock of `performance.now()`. */
  readonly endsAtMs: number | undefined
}

type FieldsOwner = Pick<ConnectionOwner<never>, 'isBanned' | 'failedAuthentication' | 'log'>

/** What is known of a connection: as `Connection` has it, and what the core sets. */
export abstract class ConnectionFields {
  readonly id: number
  readonly peer: Peer
  protocolVersion: ProtocolVersion | 0 = 0
  clientId: string | undefined = undefined
  maximumPacketSize = Number.POSITIVE_INFINITY
  maximumIncomingPacketSize = Number.POSITIVE_INFINITY
  authenticating = false
  /** The core replaces it when the listener changes before the client is accepted. */
  listener: ListenerOptions
  /** The listener that it came from. The core sets it. */
  source: CoreListener | undefined
  /** Under which its address is counted; empty if it has no limits. The core sets it. */
  addressKey = ''

  readonly #owner: FieldsOwner
  /** Of its end; undefined until it ends. */
  #deadline: EndDeadline | undefined

  constructor(id: number, peer: Peer, listener: ListenerOptions, owner: FieldsOwner) {
    this.id = id
    this.peer = peer
    this.listener = listener
    this.#owner = owner
  }

  get banned(): boolean {
    return this.#owner.isBanned(this.peer)
  }

  noteFailedAuthentication(): void {
    this.#owner.failedAuthentication(this.peer)
  }

  /** The stream has not ended by itself in time. */
  protected abstract deadlinePassed(): void

  protected get endDeadline(): EndDeadline {
    this.#deadline ??= new EndDeadline(() => this.deadlinePassed())
    return this.#deadline
  }

  protected stopDeadline(): void {
    this.#deadline?.stop()
  }

  protected continueDeadline({ endsAtMs }: FieldsRecord): void {
    if (endsAtMs !== undefined) this.endDeadline.continueAt(endsAtMs)
  }

  protected logFault(error: unknown, message: string): void {
    this.#owner.log.error({ err: error, connection: this.id, remote: describePeer(this.peer) }, message)
  }

  protected logClosed(reason: string | undefined): void {
    const { log } = this.#owner
    if (!log.isLevelEnabled('debug')) return
    log.debug({ connection: this.id, remote: describePeer(this.peer), reason }, 'Connection closed')
  }

  handOverFields(): FieldsRecord {
    return {
      id: this.id,
      peer: this.peer,
      listener: this.listener,
      source: this.source,
      addressKey: this.addressKey,
      protocolVersion: this.protocolVersion,
      clientId: this.clientId,
      maximumPacketSize: this.maximumPacketSize,
      maximumIncomingPacketSize: this.maximumIncomingPacketSize,
      authenticating: this.authenticating,
      endsAtMs: this.#deadline?.atMs,
    }
  }

  /** Continues from what another object knew. The core sets the source. */
  takeFields(handed: FieldsRecord): void {
    this.addressKey = handed.addressKey
    this.protocolVersion = handed.protocolVersion
    this.clientId = handed.clientId
    this.maximumPacketSize = handed.maximumPacketSize
    this.maximumIncomingPacketSize = handed.maximumIncomingPacketSize
    this.authenticating = handed.authenticating
  }
}
