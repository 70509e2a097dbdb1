import type { Socket } from 'node:net'
import type { Connection } from '../../src/kinds/connection.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { ByteReceiver, PacketReceiver } from '../../src/kinds/pipeline-stage.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import type { EndOfTurn, TurnEnd } from './end-of-turn.ts'
import { joinSmall } from './join-small.ts'
import { openPipeline, type Pipeline } from './pipeline.ts'

/** What the connections of a server share. */
export interface ConnectionOwner {
  readonly log: Logger
  readonly endOfTurn: EndOfTurn
  /** Bytes pending that make a connection congested. */
  readonly maximumPendingBytes: number
  /** How long a peer may take to close its side, in milliseconds, before it is cut off. */
  readonly closeDeadlineMs: number
  /** Called once, when the socket is closed and every stage knows. */
  gone(connection: TcpConnection): void
}

/** This much gathered leaves at once: the rest of the turn should not have to wait in memory. */
const flushBytes = 64 * 1024

/** One socket and its pipeline. Made for a server with `allowHalfOpen`: a peer that is done sending still gets answers. */
export class TcpConnection implements Connection, TurnEnd {
  readonly id: number
  readonly remote: string
  protocolVersion: ProtocolVersion | 0 = 0
  readonly #socket: Socket
  readonly #owner: ConnectionOwner

  // The pipeline.
  readonly #receivers: (ByteReceiver | PacketReceiver)[] = []
  #input: ByteReceiver | undefined

  // What goes out: bytes gathered in this turn, then bytes that the socket holds.
  #gathered: Uint8Array[] = []
  #gatheredBytes = 0
  #congested = false
  #awaitsEndOfTurn = false

  // How it ends: not open, then the stages told, then gone.
  #open = true
  #stagesTold = false
  #closeReason = ''
  #closeDeadline: NodeJS.Timeout | undefined

  constructor(id: number, socket: Socket, owner: ConnectionOwner) {
    this.id = id
    this.remote = formatAddress(socket.remoteAddress ?? 'unknown', socket.remotePort ?? 0)
    this.#socket = socket
    this.#owner = owner
  }

  /** Opens the pipeline and begins to read. */
  start(pipeline: Pipeline): void {
    this.#socket.on('error', (error) => this.#lost(error.message))
    this.#socket.on('close', () => this.#socketClosed())
    try {
      this.#input = openPipeline(pipeline, this, this.#receivers, (error) => this.#stageThrew(error))
    } catch (error) {
      this.#stageThrew(error)
    }
    this.#socket.on('end', () => this.close('client closed the network connection'))
    this.#socket.on('data', (chunk) => this.#read(chunk))
  }

  get pendingBytes(): number {
    return this.#gatheredBytes + this.#socket.writableLength
  }

  get congested(): boolean {
    return this.#congested
  }

  get open(): boolean {
    return this.#open
  }

  write(bytes: Uint8Array): void {
    if (!this.#open) return
    this.#gathered.push(bytes)
    this.#gatheredBytes += bytes.length
    if (this.#gatheredBytes >= flushBytes) this.#flush()
    else this.#awaitEndOfTurn()
    const { maximumPendingBytes } = this.#owner
    if (this.pendingBytes <= maximumPendingBytes) return
    this.#congested = true
    // Only answers to what the peer itself sends go this far, since messages are dropped by now.
    if (this.pendingBytes > 2 * maximumPendingBytes) this.#socket.pause()
  }

  close(reason: string): void {
    if (!this.#open) return
    this.#flush()
    this.#lost(reason)
    this.#closeDeadline = setTimeout(() => this.#socket.destroy(), this.#owner.closeDeadlineMs)
    this.#socket.end()
    // What still arrives is discarded, but read: closing over unread bytes would reset the connection and could take from
    // the peer the last answer; and the peer's own end is only seen by reading up to it.
    this.#socket.resume()
  }

  endTurn(): void {
    this.#awaitsEndOfTurn = false
    if (this.#open) this.#flush()
    else this.#tellStages()
  }

  #read(chunk: Uint8Array): void {
    if (!this.#open) return
    try {
      this.#input?.bytes(chunk)
    } catch (error) {
      this.#stageThrew(error)
    }
  }

  #flush(): void {
    const chunks = this.#gathered
    if (chunks.length === 0) return
    this.#gathered = []
    this.#gatheredBytes = 0
    if (chunks.length === 1) {
      this.#socket.write(chunks[0]!, this.#written)
      return
    }
    this.#socket.cork()
    for (const chunk of joinSmall(chunks)) this.#socket.write(chunk, this.#written)
    this.#socket.uncork()
  }

  /** The operating system took what one write held. */
  readonly #written = (): void => {
    if (!this.#congested || this.pendingBytes > this.#owner.maximumPendingBytes / 2) return
    this.#congested = false
    this.#socket.resume()
  }

  #awaitEndOfTurn(): void {
    if (this.#awaitsEndOfTurn) return
    this.#awaitsEndOfTurn = true
    this.#owner.endOfTurn.add(this)
  }

  /** From here on nothing is read or written. The stages are told when nobody is in the middle of calling one of them. */
  #lost(reason: string): void {
    if (!this.#open) return
    this.#open = false
    this.#closeReason = reason
    this.#gathered = []
    this.#gatheredBytes = 0
    this.#awaitEndOfTurn()
  }

  #stageThrew(error: unknown): void {
    const details = { err: error, connection: this.id, remote: this.remote }
    this.#owner.log.error(details, 'A stage of the pipeline threw; its connection is cut off')
    this.#lost('a stage of the pipeline threw')
    this.#socket.destroy()
  }

  #socketClosed(): void {
    clearTimeout(this.#closeDeadline)
    this.#lost('network connection lost')
    this.#tellStages()
    const details = { connection: this.id, remote: this.remote, reason: this.#closeReason }
    this.#owner.log.debug(details, 'Connection closed')
    this.#owner.gone(this)
  }

  #tellStages(): void {
    if (this.#stagesTold) return
    this.#stagesTold = true
    // In the order of the pipeline; they were opened from its end.
    for (const receiver of this.#receivers.reverse()) {
      try {
        receiver.closed?.()
      } catch (error) {
        this.#stageThrew(error)
      }
    }
  }
}

/** `127.0.0.1:1883`, `[::1]:1883` */
export const formatAddress = (address: string, port: number): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
