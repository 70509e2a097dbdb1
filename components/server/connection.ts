import type { Socket } from 'node:net'
import type { Connection, ConnectionEnd } from '../../src/kinds/connection.ts'
import type { StageEnd } from '../../src/kinds/pipeline-stage.ts'
import { Fifo } from '../../src/mqtt/fifo.ts'
import type { Lender } from '../../src/mqtt/lender.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { ConnectionInput, type InputHost } from './connection-input.ts'
import type { ConnectionOwner } from './connection-owner.ts'
import type { TurnEnd } from './end-of-turn.ts'
import { formatAddress } from './format-address.ts'
import { Gathered, type Taken } from './gathered.ts'
import { openPipeline, type Pipeline } from './pipeline.ts'

/**
 * This much gathered leaves at once: the rest of the turn should not have to wait in memory. With a quarter of it, a message
 * of 16 KiB cost a fifth more.
 */
const flushBytes = 256 * 1024

/** One message of this size or more does not make its connection congested by itself: what follows it would be lost. */
const largeMessageBytes = 256 * 1024

/** Units of work of the end of a connection, as far as the server and its stages are concerned. */
const CLOSE_WORK = 300

/** Empty collections kept for reuse: as many as connections that are written to in one turn, within reason. */
const maximumGathered = 4096

/** A write that is under way, and the memory of the pool that it lies in. */
interface Sending {
  /** Its number among the writes of the connection. */
  readonly write: number
  readonly memory: Buffer
}

/** One socket and its pipeline. Made for a server with `allowHalfOpen`: a peer that is done sending still gets answers. */
export class TcpConnection implements Connection, TurnEnd, InputHost {
  readonly id: number
  readonly remote: string
  protocolVersion: ProtocolVersion | 0 = 0
  maximumPacketSize = Number.POSITIVE_INFINITY
  maximumIncomingPacketSize = Number.POSITIVE_INFINITY
  authenticating = false
  readonly #socket: Socket
  /** It reads into the shared input; otherwise it has `data` events. */
  readonly #adopted: boolean
  readonly #owner: ConnectionOwner<TcpConnection>

  /** The stages of the pipeline, in its order. */
  readonly #stages: StageEnd[] = []
  readonly #input: ConnectionInput

  // What goes out: bytes gathered in this turn, then bytes that the socket holds.
  /** Open, and no write has failed. */
  #writable = true
  /** Undefined when there is nothing: an idle connection needs none. */
  #gathered: Gathered | undefined
  /** Writes begun, and those of them that ended: they end in their order. */
  #writesBegun = 0
  #writesEnded = 0
  /** Memory of the pool that writes under way lie in, oldest first; a peer that takes everything at once needs none. */
  #sending: Fifo<Sending> | undefined
  /** What was put off to a later turn, and its bytes. */
  #unsent: Taken | undefined
  #unsentBytes = 0
  /** Bytes put off, and those that the socket holds, as of the last write and the last that the operating system took. */
  #socketBytes = 0
  #congested = false
  /** Bytes of the largest message written since the connection was last all but drained; 0 when that was a small one. */
  #largeMessage = 0
  #lastTakenMs = performance.now()
  #awaitsEndOfTurn = false
  /** Why nothing can be written any more, while what the peer sent before is still read. */
  #writeError: Error | undefined

  // How it ends: not open, then the stages told, then gone.
  #open = true
  #stagesTold = false
  #end: ConnectionEnd | undefined
  #closeDeadline: NodeJS.Timeout | undefined

  constructor(id: number, socket: Socket, owner: ConnectionOwner<TcpConnection>) {
    this.id = id
    this.remote = formatAddress(socket.remoteAddress, socket.remotePort)
    this.#owner = owner
    this.#input = new ConnectionInput(owner, this)
    const adopted = owner.input.adopt(
      socket,
      this.#input,
      (error) => this.#writeFailed(error),
      (error) => this.#readFailed(error),
    )
    this.#adopted = adopted !== undefined
    this.#socket = adopted ?? socket
    this.#input.open(this.#socket)
  }

  /** Opens the pipeline and begins to read. */
  start(pipeline: Pipeline): void {
    this.#socket.on('error', (error) => this.#lost(error.message, 'network'))
    this.#socket.on('close', () => this.#socketClosed())
    try {
      this.#input.decodeWith(openPipeline(pipeline, this, this.#stages, (error) => this.stageThrew(error)))
    } catch (error) {
      this.stageThrew(error)
    }
    this.#stages.reverse() // They were opened from the end of the pipeline.
    this.#socket.on('end', () => this.#input.peerEnded())
    if (this.#adopted) this.#socket.resume()
    else this.#socket.on('data', (chunk) => this.#input.readOwn(chunk))
  }

  get pendingBytes(): number {
    return (this.#gathered?.bytes ?? 0) + this.#socketBytes
  }

  /** When the operating system last took something for the peer, on the clock of `performance.now()`. */
  get lastTakenMs(): number {
    return this.#lastTakenMs
  }

  get congested(): boolean {
    return this.#congested
  }

  get open(): boolean {
    return this.#open
  }

  get end(): ConnectionEnd | undefined {
    return this.#end
  }

  get bytesReceived(): number {
    return this.#socket.bytesRead
  }

  get paused(): boolean {
    return this.#input.paused
  }

  pause(): void {
    this.#input.pause()
  }

  resume(): void {
    this.#input.resume()
  }

  chargeWork(units: number): void {
    this.#input.chargeWork(units)
  }

  chargePacket(units: number): void {
    this.#input.chargePacket(units)
  }

  write(bytes: Uint8Array): void {
    this.forward(bytes, 0, bytes.length)
  }

  forward(source: Uint8Array, start: number, end: number, lender?: Lender): void {
    if (!this.#writable) return
    this.#gathered ??= this.#owner.gathered.pop() ?? new Gathered()
    if (lender === undefined) this.#gathered.add(source, start, end)
    else this.#gathered.borrow(source, start, end, lender)
    const { maximumPendingBytes } = this.#owner
    if (end - start >= largeMessageBytes) this.#largeMessage = Math.max(this.#largeMessage, end - start)
    // The operating system is asked before the peer is held to be slow.
    if (this.#gathered.bytes >= Math.min(flushBytes, maximumPendingBytes / 2)) this.#flush()
    else if (!this.#awaitsEndOfTurn) this.#awaitEndOfTurn()
    if (this.pendingBytes <= maximumPendingBytes + this.#largeMessage) return
    if (this.#unsent !== undefined && this.#owner.writes.hasReserve) this.#flush(true)
    if (this.pendingBytes > maximumPendingBytes + this.#largeMessage) this.#overflow()
  }

  close(reason: string): void {
    this.#close(reason, 'broker')
  }

  #close(reason: string, by: ConnectionEnd['by']): void {
    if (!this.#open) return
    this.#flush(true)
    if (this.#writeError !== undefined) {
      this.#lost(reason, by)
      this.#socket.destroy()
      return
    }
    this.#lost(reason, by)
    this.#closeDeadline = setTimeout(() => this.#socket.destroy(), this.#owner.closeDeadlineMs)
    this.#socket.end()
    // What still arrives is discarded, but read: closing over unread bytes would reset the connection and could take from
    // the peer the last answer; and the peer's own end is only seen by reading up to it.
    this.#socket.resume()
  }

  /** Ends the connection at once, and drops what waits for the peer. */
  cutOff(reason: string): void {
    this.#lost(reason, 'broker')
    this.#socket.destroy()
  }

  /** Lets the stages take leave of the peer, then closes. */
  stop(reason: string): void {
    this.#tellOpen((stage) => stage.stopping?.())
    this.close(reason)
  }

  endTurn(): void {
    this.#awaitsEndOfTurn = false
    if (this.#open) this.#flush()
    else this.#tellStages()
  }

  /** The peer sends nothing more: the connection ends. The peer still gets the answers. */
  allRead(): void {
    if (this.#writeError === undefined) this.#close('client closed the network connection', 'client')
    else this.#close(this.#writeError.message, 'network')
  }

  stageThrew(error: unknown): void {
    const details = { err: error, connection: this.id, remote: this.remote }
    this.#owner.log.error(details, 'A stage of the pipeline threw; its connection is cut off')
    this.#lost('a stage of the pipeline threw', 'broker')
    this.#socket.destroy()
  }

  #overflow(): void {
    this.#congested = true
    // Messages are held back by now: only answers to what the peer sends can exceed this.
    if (this.pendingBytes <= 2 * this.#owner.maximumPendingBytes + this.#largeMessage) return
    this.#input.block()
  }

  /** Writes what was gathered, or puts it off when all connections have written enough in this turn. @param isLast not that. */
  #flush(isLast = false): void {
    const gathered = this.#gathered
    const unsent = this.#unsent
    if (gathered === undefined && unsent === undefined) return
    const bytes = (gathered?.bytes ?? 0) + this.#unsentBytes
    const goesOut = this.#owner.writes.takes(bytes) || isLast
    if (gathered !== undefined) {
      gathered.settle()
      // What waits for a slow peer is copied to memory of its own: slow peers must not hold the memory of the pool.
      const taken = gathered.take(this.#owner.pool, goesOut && this.#socketBytes === 0)
      this.#release(gathered)
      if (goesOut && unsent === undefined) {
        this.#send(taken)
        return
      }
      this.#putOff(taken, bytes)
    }
    if (!goesOut) {
      this.#awaitEndOfTurn()
      return
    }
    const all = this.#unsent!
    this.#unsent = undefined
    this.#unsentBytes = 0
    this.#send(all)
  }

  /** Keeps what is to be written for a later turn. @param bytes what is kept then, together. */
  #putOff({ chunks, pooled }: Taken, bytes: number): void {
    this.#unsent ??= { chunks: [], pooled: [] }
    this.#unsent.chunks.push(...chunks)
    this.#unsent.pooled.push(...pooled)
    this.#noteSocketBytes(this.#socketBytes + bytes - this.#unsentBytes)
    this.#unsentBytes = bytes
  }

  #send({ chunks, pooled }: Taken): void {
    const { pool } = this.#owner
    if (chunks.length > 1) this.#socket.cork()
    for (const chunk of chunks) this.#socket.write(chunk, this.#written)
    if (chunks.length > 1) this.#socket.uncork()
    const { writableLength } = this.#socket
    this.#noteSocketBytes(this.#writable ? writableLength : 0)
    for (const memory of pooled) {
      this.#writesBegun += 1
      if (memory === undefined) continue
      // With nothing left to write, the operating system has copied it all: the next one to write gets the same memory.
      if (writableLength === 0) pool.give(memory)
      else {
        this.#sending ??= new Fifo()
        this.#sending.push({ write: this.#writesBegun, memory })
      }
    }
  }

  #noteSocketBytes(bytes: number): void {
    this.#owner.buffers.add(bytes - this.#socketBytes)
    this.#socketBytes = bytes
  }

  #dropGathered(): void {
    const gathered = this.#gathered
    gathered?.clear()
    if (gathered !== undefined) this.#release(gathered)
    for (const memory of this.#unsent?.pooled ?? []) if (memory !== undefined) this.#owner.pool.give(memory)
    this.#unsent = undefined
    this.#unsentBytes = 0
  }

  /** Gives the empty collection back, for whichever connection writes next. */
  #release(gathered: Gathered): void {
    this.#gathered = undefined
    if (this.#owner.gathered.length < maximumGathered) this.#owner.gathered.push(gathered)
  }

  /** The operating system took what one write held, or never will: then it may still read it. */
  readonly #written = (error?: Error | null): void => {
    // What a failed write holds is let go of when the socket is closed, which is next.
    if (error) return
    this.#writesEnded += 1
    this.#lastTakenMs = performance.now()
    if (this.#sending?.peek()?.write === this.#writesEnded) this.#owner.pool.give(this.#sending.shift()!.memory)
    this.#noteSocketBytes(this.#socket.writableLength + this.#unsentBytes)
    if (this.pendingBytes > this.#owner.maximumPendingBytes / 2) return
    this.#largeMessage = 0
    if (!this.#congested) return
    this.#congested = false
    this.#tellOpen((stage) => stage.drained?.())
    this.#input.unblock()
  }

  /**
   * The peer has reset the connection. What it had sent before is read first, since it may be DISCONNECT [MQTT-3.14.4-3];
   * what waits for it is dropped.
   */
  #writeFailed(error: Error): void {
    if (!this.#open) {
      this.#socket.destroy(error)
      return
    }
    this.#writable = false
    this.#writeError = error
    this.#dropGathered()
    this.#noteSocketBytes(0)
    this.#congested = false
    this.#input.unblock()
    this.#awaitEnd()
  }

  /** The peer has reset the connection, and all that it had sent was read. Thousands may be reset at once: one after the other. */
  #readFailed(error: Error): void {
    const { budget } = this.#owner
    budget.wait({
      takeTurn: () => {
        budget.spend(CLOSE_WORK)
        this.#socket.destroy(error)
      },
    })
  }

  /** Reading ends at the end of what the operating system holds. The deadline is for systems that do not report that end. */
  #awaitEnd(): void {
    this.#closeDeadline = setTimeout(() => {
      // This process does not read: the peer is not the cause.
      if (this.#open && this.paused) this.#awaitEnd()
      else this.#socket.destroy(this.#writeError)
    }, this.#owner.closeDeadlineMs)
  }

  #awaitEndOfTurn(): void {
    if (this.#awaitsEndOfTurn) return
    this.#awaitsEndOfTurn = true
    this.#owner.endOfTurn.add(this)
  }

  /** From here on nothing is read or written. The stages are told when nobody is in the middle of calling one of them. */
  #lost(reason: string, by: ConnectionEnd['by']): void {
    if (!this.#open) return
    this.#open = false
    this.#writable = false
    this.#end = { by, reason }
    this.#dropGathered()
    this.#input.drop()
    this.#owner.ended()
    this.#awaitEndOfTurn()
  }

  #socketClosed(): void {
    clearTimeout(this.#closeDeadline)
    this.#noteSocketBytes(0)
    // Somebody may still read what was not written: that is left to the garbage collector.
    for (const { memory } of this.#sending ?? []) this.#owner.pool.letGo(memory)
    this.#sending = undefined
    this.#input.closed()
    this.#lost('network connection lost', 'network')
    this.#tellStages()
    const details = { connection: this.id, remote: this.remote, reason: this.#end?.reason }
    this.#owner.log.debug(details, 'Connection closed')
    this.#owner.gone(this)
  }

  #tellOpen(tell: (stage: StageEnd) => void): void {
    try {
      for (const stage of this.#stages) if (this.#open) tell(stage)
    } catch (error) {
      this.stageThrew(error)
    }
  }

  #tellStages(): void {
    if (this.#stagesTold) return
    this.#stagesTold = true
    for (const stage of this.#stages) {
      try {
        stage.closed?.()
      } catch (error) {
        this.stageThrew(error)
      }
    }
  }
}
