import type { Socket } from 'node:net'
import type { Connection, ConnectionEnd } from '../../src/kinds/connection.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { DecoderInput, StageEnd } from '../../src/kinds/pipeline-stage.ts'
import { Fifo } from '../../src/mqtt/fifo.ts'
import type { Lender } from '../../src/mqtt/lender.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { Buffers } from './buffers.ts'
import type { EndOfTurn, TurnEnd } from './end-of-turn.ts'
import { Gathered } from './gathered.ts'
import { openPipeline, type Pipeline } from './pipeline.ts'
import type { SharedInput } from './shared-input.ts'

/** What the connections of a server share. */
export interface ConnectionOwner {
  readonly log: Logger
  readonly endOfTurn: EndOfTurn
  /** What the sockets of all connections hold. */
  readonly buffers: Buffers
  /** Memory for what comes in and for what goes out. */
  readonly pool: BufferPool
  /** What connections read into. */
  readonly input: SharedInput
  /** Empty ones, for connections that have something to write. */
  readonly gathered: Gathered[]
  /** Bytes pending that make a connection congested. */
  readonly maximumPendingBytes: number
  /** How long a peer may take to close its side, in milliseconds, before it is cut off. */
  readonly closeDeadlineMs: number
  /** Called once, when the socket is closed and every stage knows. */
  gone(connection: TcpConnection): void
}

/**
 * This much gathered leaves at once: the rest of the turn should not have to wait in memory. With a quarter of it, a message
 * of 16 KiB cost a fifth more.
 */
const flushBytes = 256 * 1024

/** One message of this size or more does not make its connection congested by itself: what follows it would be lost. */
const largeMessageBytes = 256 * 1024

/** The work that one peer's packets may cause in one turn of the event loop before the others have theirs: about 10 ms. */
const turnWork = 50_000

/** Empty collections kept for reuse: as many as connections that are written to in one turn, within reason. */
const maximumGathered = 4096

/** A write that is under way, and the memory of the pool that it lies in. */
interface Sending {
  /** Its number among the writes of the connection. */
  readonly write: number
  readonly memory: Buffer
}

/** One socket and its pipeline. Made for a server with `allowHalfOpen`: a peer that is done sending still gets answers. */
export class TcpConnection implements Connection, TurnEnd {
  readonly id: number
  readonly remote: string
  protocolVersion: ProtocolVersion | 0 = 0
  maximumPacketSize = Number.POSITIVE_INFINITY
  maximumIncomingPacketSize = Number.POSITIVE_INFINITY
  authenticating = false
  readonly #socket: Socket
  /** It reads into the shared input; otherwise it has `data` events. */
  readonly #adopted: boolean
  readonly #owner: ConnectionOwner

  /** The stages of the pipeline, in its order. */
  readonly #stages: StageEnd[] = []
  #input: DecoderInput | undefined

  // What comes in. Two things stop it, each for itself: a stage that has to wait, and a peer that does not take answers.
  #reading = true
  #paused = false
  /** It has had its share of this turn, or the buffers of all connections are too full. */
  #yielding = false
  /** Work that its packets have caused in this turn. */
  #work = 0
  #workTurn = 0
  /** So much is pending that the peer has to take some of it first. */
  #owesTooMuch = false
  /** What a paused decoder has left of a chunk: at most that chunk. */
  #rest: Uint8Array | undefined
  /** The peer is done sending. */
  #peerEnded = false

  // What goes out: bytes gathered in this turn, then bytes that the socket holds.
  /** Undefined when there is nothing: an idle connection needs none. */
  #gathered: Gathered | undefined
  /** Writes begun, and those of them that ended: they end in their order. */
  #writesBegun = 0
  #writesEnded = 0
  /** Memory of the pool that writes under way lie in, oldest first; a peer that takes everything at once needs none. */
  #sending: Fifo<Sending> | undefined
  /** Bytes that the socket holds, as of the last write and the last that the operating system took. */
  #socketBytes = 0
  #congested = false
  /** Bytes of the largest message written since the connection was last all but drained; 0 when that was a small one. */
  #largeMessage = 0
  #lastTakenMs = performance.now()
  #awaitsEndOfTurn = false

  // How it ends: not open, then the stages told, then gone.
  #open = true
  #stagesTold = false
  #end: ConnectionEnd | undefined
  #closeDeadline: NodeJS.Timeout | undefined

  constructor(id: number, socket: Socket, owner: ConnectionOwner) {
    this.id = id
    this.remote = formatAddress(socket.remoteAddress ?? 'unknown', socket.remotePort ?? 0)
    this.#owner = owner
    const adopted = owner.input.adopt(socket, {
      read: (chunk, lender) => this.#read(chunk, false, lender),
      room: () => (this.#open && !this.paused ? this.#input?.room?.() : undefined),
      filled: (length) => this.#filled(length),
    })
    this.#adopted = adopted !== undefined
    this.#socket = adopted ?? socket
  }

  /** Opens the pipeline and begins to read. */
  start(pipeline: Pipeline): void {
    this.#socket.on('error', (error) => this.#lost(error.message, 'network'))
    this.#socket.on('close', () => this.#socketClosed())
    try {
      this.#input = openPipeline(pipeline, this, this.#stages, (error) => this.#stageThrew(error))
    } catch (error) {
      this.#stageThrew(error)
    }
    this.#stages.reverse() // They were opened from the end of the pipeline.
    this.#socket.on('end', () => {
      this.#peerEnded = true
      this.#closeAtEnd()
    })
    if (this.#adopted) this.#socket.resume()
    else this.#socket.on('data', (chunk) => this.#read(chunk, true))
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
    return this.#paused || this.#yielding
  }

  pause(): void {
    this.#paused = true
    this.#stopReading()
  }

  resume(): void {
    this.#paused = false
    this.#awaitEndOfTurn()
  }

  chargeWork(amount: number): void {
    const { endOfTurn, buffers } = this.#owner
    if (this.#workTurn !== endOfTurn.turn) {
      this.#workTurn = endOfTurn.turn
      this.#work = 0
    }
    this.#work += amount
    if (this.#work < turnWork && !buffers.full) return
    this.#yielding = true
    this.#stopReading()
    this.#awaitEndOfTurn()
  }

  /** The buffers have room again: what waited for that is read on. */
  goOn(): void {
    this.#yielding = false
    this.#awaitEndOfTurn()
  }

  write(bytes: Uint8Array): void {
    this.forward(bytes, 0, bytes.length)
  }

  forward(source: Uint8Array, start: number, end: number, lender?: Lender): void {
    if (!this.#open) return
    this.#gathered ??= this.#owner.gathered.pop() ?? new Gathered()
    if (lender === undefined) this.#gathered.add(source, start, end)
    else this.#gathered.borrow(source, start, end, lender)
    const { maximumPendingBytes } = this.#owner
    if (end - start >= largeMessageBytes) this.#largeMessage = Math.max(this.#largeMessage, end - start)
    // The operating system is asked before the peer is held to be slow.
    if (this.#gathered.bytes >= Math.min(flushBytes, maximumPendingBytes / 2)) this.#flush()
    else if (!this.#awaitsEndOfTurn) this.#awaitEndOfTurn()
    if (this.pendingBytes > maximumPendingBytes + this.#largeMessage) this.#overflow()
  }

  close(reason: string): void {
    this.#close(reason, 'broker')
  }

  #close(reason: string, by: ConnectionEnd['by']): void {
    if (!this.#open) return
    this.#flush()
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
    if (this.#open && this.#yielding) this.#yielding = this.#owner.buffers.wait(this)
    this.#readOn()
    if (this.#open) this.#flush()
    else this.#tellStages()
  }

  /** @param isOurs whether the bytes last: otherwise what is left of them is copied. */
  #read(chunk: Uint8Array, isOurs: boolean, lender?: Lender): void {
    if (!this.#open || this.#input === undefined) return
    try {
      const taken = this.#input.bytes(chunk, lender)
      if (taken === chunk.length || !this.#open) return
      this.#rest = isOurs ? chunk.subarray(taken) : new Uint8Array(chunk.subarray(taken))
    } catch (error) {
      this.#stageThrew(error)
    }
  }

  #filled(length: number): void {
    if (!this.#open) return
    try {
      this.#input?.filled?.(length)
    } catch (error) {
      this.#stageThrew(error)
    }
  }

  #overflow(): void {
    this.#congested = true
    // Messages are held back by now: it is the answers to what the peer itself sends that go this far.
    if (this.pendingBytes <= 2 * this.#owner.maximumPendingBytes + this.#largeMessage) return
    this.#owesTooMuch = true
    this.#stopReading()
  }

  #stopReading(): void {
    // Of a closed connection everything is read, and discarded.
    if (!this.#open) return
    this.#reading = false
    this.#socket.pause()
  }

  /** Reads on if nothing stands against it, first what is left of the last chunk. Not called while a stage is at work. */
  #readOn(): void {
    if (this.#reading || this.paused || this.#owesTooMuch || !this.#open) return
    this.#reading = true
    const rest = this.#rest
    this.#rest = undefined
    if (rest !== undefined) this.#read(rest, true)
    if (this.#peerEnded) this.#closeAtEnd()
    // It may have been stopped again.
    if (this.#reading && this.#open) this.#socket.resume()
  }

  /** The peer sends nothing more: the connection ends when all that it has sent was read. It still gets the answers. */
  #closeAtEnd(): void {
    if (!this.paused && this.#rest === undefined) this.#close('client closed the network connection', 'client')
  }

  #flush(): void {
    const gathered = this.#gathered
    if (gathered === undefined) return
    const { pool } = this.#owner
    gathered.settle()
    // What has to wait for a slow peer is copied to memory of its own: nobody is to have all that is used again.
    const { chunks, pooled } = gathered.take(pool, this.#socketBytes === 0)
    this.#release(gathered)
    if (chunks.length > 1) this.#socket.cork()
    for (const chunk of chunks) this.#socket.write(chunk, this.#written)
    if (chunks.length > 1) this.#socket.uncork()
    this.#noteSocketBytes(this.#socket.writableLength)
    for (const memory of pooled) {
      this.#writesBegun += 1
      if (memory === undefined) continue
      // With nothing left to write, the operating system has copied it all: the next one to write gets the same memory.
      if (this.#socketBytes === 0) pool.give(memory)
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
    this.#noteSocketBytes(this.#socket.writableLength)
    if (this.pendingBytes > this.#owner.maximumPendingBytes / 2) return
    this.#largeMessage = 0
    if (!this.#congested) return
    this.#congested = false
    this.#owesTooMuch = false
    this.#tellOpen((stage) => stage.drained?.())
    this.#readOn()
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
    this.#end = { by, reason }
    const gathered = this.#gathered
    gathered?.clear()
    if (gathered !== undefined) this.#release(gathered)
    this.#rest = undefined
    this.#awaitEndOfTurn()
  }

  #stageThrew(error: unknown): void {
    const details = { err: error, connection: this.id, remote: this.remote }
    this.#owner.log.error(details, 'A stage of the pipeline threw; its connection is cut off')
    this.#lost('a stage of the pipeline threw', 'broker')
    this.#socket.destroy()
  }

  #socketClosed(): void {
    clearTimeout(this.#closeDeadline)
    this.#noteSocketBytes(0)
    // Somebody may still read what was not written: that is left to the garbage collector.
    for (const { memory } of this.#sending ?? []) this.#owner.pool.letGo(memory)
    this.#sending = undefined
    this.#owner.buffers.forget(this)
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
      this.#stageThrew(error)
    }
  }

  #tellStages(): void {
    if (this.#stagesTold) return
    this.#stagesTold = true
    for (const stage of this.#stages) {
      try {
        stage.closed?.()
      } catch (error) {
        this.#stageThrew(error)
      }
    }
  }
}

/** `127.0.0.1:1883`, `[::1]:1883` */
export const formatAddress = (address: string, port: number): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
