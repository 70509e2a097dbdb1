import { copyBytes } from '../../src/collections/copy-bytes.ts'
import { Fifo } from '../../src/collections/fifo.ts'
import type { ConnectionCounters } from '../../src/kinds/listener.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { ByteSink, Written } from './byte-sink.ts'
import { currentRead } from './read-buffer.ts'
import type { TotalPendingBytes } from './total-pending-bytes.ts'
import { type Taken, WriteBatch } from './write-batch.ts'
import type { WriteBudget } from './write-budget.ts'
import { SCRATCH_BYTES, type WriteScratch } from './write-scratch.ts'

/**
 * Gathered bytes of this size are written at once, so that they do not fill the memory until the turn ends. With a quarter of
 * this limit, a message of 16 KiB cost a fifth more.
 */
const flushBytes = 256 * 1024

/** A message of this size or more does not make its connection congested, since messages at QoS 0 after it would be lost. */
const largeMessageBytes = 256 * 1024

/** Empty batches kept for reuse: about as many as connections that are written to in one turn. */
const maximumFreeBatches = 4096

/** What the writing sides of all connections share. */
export interface OutputOwner {
  readonly totalPendingBytes: TotalPendingBytes
  /** What goes out in a turn. */
  readonly writes: WriteBudget
  /** Memory for what comes in and for what goes out. */
  readonly pool: BufferPool
  /** Memory that small writes go out from. */
  readonly scratch: WriteScratch
  /** Empty batches, for connections that have several ranges to write. */
  readonly freeBatches: WriteBatch[]
  readonly counters: ConnectionCounters
  /** Bytes pending that make a connection congested. */
  readonly maximumPendingBytes: number
}

/** The connection that a writing side belongs to. */
export interface OutputHost {
  /** `flush` must be called at the end of this turn of the event loop. */
  awaitEndOfTurn(): void
  /** Messages are held back already, and the answers to the peer's packets exceed the bound as well. */
  overflowed(): void
  /** The connection is not congested any more. */
  drained(): void
  /** Nothing can be written any more. */
  writeFailed(error: Error): void
}

export interface OutputRecord {
  readonly writable: boolean
  /** Writes under way, oldest first. */
  readonly sending: readonly Sending[]
  readonly unsent: Taken | undefined
  readonly unsentBytes: number
  readonly socketBytes: number
  readonly congested: boolean
  readonly largeMessage: number
  readonly lastTakenMs: number
}

/** A write that is under way, and the memory of the pool that it lies in. */
export interface Sending {
  readonly bytes: number
  readonly pooled: readonly (Buffer | undefined)[]
}

const NO_MEMORY: readonly undefined[] = []

/** The output of one connection: ranges of bytes gathered in this turn of the event loop, then bytes that the socket holds. */
export class ConnectionOutput {
  readonly #owner: OutputOwner
  readonly #host: OutputHost
  #sink: ByteSink | undefined
  /** Has `written` called. */
  #written: Written = () => undefined
  /** Open, and no write has failed. */
  #writable = true

  // The only range of the turn. Most connections have one, and need no batch.
  #source: Uint8Array | undefined
  #start = 0
  #end = 0
  /** All ranges of the turn, if there are several. */
  #batch: WriteBatch | undefined

  /** Writes under way, oldest first; a peer that takes everything at once needs none. */
  #sending: Fifo<Sending> | undefined
  /** What was put off to a later turn, and its bytes. */
  #unsent: Taken | undefined
  #unsentBytes = 0
  /** Bytes of `#sending` and `#unsent`. */
  #socketBytes = 0
  #congested = false
  /** Bytes of the largest message written since the connection was last all but drained; 0 when that was a small one. */
  #largeMessage = 0
  #lastTakenMs = 0
  /** A write is being given to the operating system, and whether it has taken all of it meanwhile. */
  #isSending = false
  #isTaken = false

  constructor(owner: OutputOwner, host: OutputHost) {
    this.#owner = owner
    this.#host = host
  }

  /** Its state, after it was flushed: nothing is gathered. */
  handOver(): OutputRecord {
    return {
      writable: this.#writable,
      sending: [...(this.#sending ?? [])],
      unsent: this.#unsent,
      unsentBytes: this.#unsentBytes,
      socketBytes: this.#socketBytes,
      congested: this.#congested,
      largeMessage: this.#largeMessage,
      lastTakenMs: this.#lastTakenMs,
    }
  }

  /** Continues for another object. What waits for the peer is among `totalPendingBytes` already. */
  continueFrom(handed: OutputRecord): void {
    this.#socketBytes = handed.socketBytes
    this.#continue(handed)
  }

  /** Another object writes from now on. */
  leave(): void {
    this.#writable = false
    this.#congested = false
    this.#sending = undefined
    this.#unsent = undefined
    this.#unsentBytes = 0
  }

  /** The reset was undone by which another object continued for it. */
  takeBack(now: OutputRecord): void {
    this.#noteSocketBytes(now.socketBytes)
    this.#continue(now)
  }

  #continue({ writable, sending, unsent, unsentBytes, congested, largeMessage, lastTakenMs }: OutputRecord): void {
    this.#writable = writable
    this.#sending = sending.length === 0 ? undefined : new Fifo()
    for (const each of sending) this.#sending!.push(each)
    this.#unsent = unsent
    this.#unsentBytes = unsentBytes
    this.#congested = congested
    this.#largeMessage = largeMessage
    this.#lastTakenMs = lastTakenMs
    if (unsentBytes > 0) this.#host.awaitEndOfTurn()
    // The object before may have been about to look at it.
    if (congested) process.nextTick(this.#drainedInPart)
  }

  /** Sets where the bytes go. @param written is given to the sink, and has `written` of this object called. */
  open(sink: ByteSink, written: Written): void {
    this.#sink = sink
    this.#written = written
  }

  /** Bytes that the operating system has not taken yet. */
  get pendingBytes(): number {
    return this.#gatheredBytes + this.#socketBytes
  }

  /** When the operating system last took something while bytes waited for it, on the clock of `performance.now()`. */
  get lastTakenMs(): number {
    return this.#lastTakenMs
  }

  get congested(): boolean {
    return this.#congested
  }

  /** Takes a range of bytes, which stay as they are until the end of this turn of the event loop, or are those of the read under way. */
  forward(source: Uint8Array, start: number, end: number): void {
    if (!this.#writable) return
    const { buffer, chunk } = currentRead
    if (source === chunk) {
      const memory = buffer!.stay()
      this.#add(memory, start + buffer!.offset, end + buffer!.offset)
    } else this.#add(source, start, end)
    const { maximumPendingBytes } = this.#owner
    if (end - start >= largeMessageBytes) this.#largeMessage = Math.max(this.#largeMessage, end - start)
    // The operating system gets the bytes before the peer counts as slow.
    if (this.#gatheredBytes >= Math.min(flushBytes, maximumPendingBytes / 2)) this.flush()
    if (this.pendingBytes <= maximumPendingBytes + this.#largeMessage) return
    if (this.#unsent !== undefined && this.#owner.writes.hasReserve) this.flush(true)
    if (this.pendingBytes > maximumPendingBytes + this.#largeMessage) this.#overflow()
  }

  /** Writes what was gathered, or puts it off when all connections have written enough in this turn. @param isLast not that. */
  flush(isLast = false): void {
    const bytes = this.#gatheredBytes + this.#unsentBytes
    if (bytes === 0) return
    const goesOut = this.#owner.writes.takes(bytes) || isLast
    if (goesOut && this.#socketBytes === 0 && bytes <= SCRATCH_BYTES) {
      this.#flushSmall(bytes)
      return
    }
    if (this.#gatheredBytes > 0) {
      const batch = this.#batch ?? this.#startBatch()
      // What waits for a slow peer is copied to memory of its own: slow peers must not hold the memory of the pool.
      const taken = batch.take(this.#owner.pool, goesOut && this.#socketBytes === 0)
      this.#release(batch)
      if (goesOut && this.#unsent === undefined) {
        this.#send(taken, bytes, false)
        return
      }
      this.#putOff(taken, bytes)
    }
    if (!goesOut) {
      this.#host.awaitEndOfTurn()
      return
    }
    const all = this.#unsent!
    this.#unsent = undefined
    this.#unsentBytes = 0
    this.#send(all, bytes, true)
  }

  /** Ends writing and drops the bytes that wait. */
  drop(): void {
    this.#writable = false
    if (this.#batch !== undefined) this.#release(this.#batch)
    this.#source = undefined
    for (const memory of this.#unsent?.pooled ?? []) if (memory !== undefined) this.#owner.pool.give(memory)
    this.#unsent = undefined
    this.#noteSocketBytes(this.#socketBytes - this.#unsentBytes)
    this.#unsentBytes = 0
    this.#congested = false
  }

  /** The socket is closed, or no write can succeed. */
  closed(): void {
    this.drop()
    this.#noteSocketBytes(0)
    // Memory that was not written may still be read, so it is left to the garbage collector.
    for (const { pooled } of this.#sending ?? []) {
      for (const memory of pooled) if (memory !== undefined) this.#owner.pool.abandon(memory)
    }
    this.#sending = undefined
  }

  get #gatheredBytes(): number {
    if (this.#batch !== undefined) return this.#batch.bytes
    return this.#source === undefined ? 0 : this.#end - this.#start
  }

  #add(source: Uint8Array, start: number, end: number): void {
    if (this.#batch !== undefined) this.#batch.add(source, start, end)
    else if (this.#source === undefined) {
      this.#source = source
      this.#start = start
      this.#end = end
      this.#host.awaitEndOfTurn()
    } else if (this.#source === source && this.#end === start) this.#end = end
    else this.#startBatch().add(source, start, end)
  }

  /** Starts a batch with the one range that is recorded so far. */
  #startBatch(): WriteBatch {
    const batch = this.#owner.freeBatches.pop() ?? new WriteBatch()
    batch.add(this.#source!, this.#start, this.#end)
    this.#source = undefined
    this.#batch = batch
    return batch
  }

  /** Returns the batch for the connection that writes next. */
  #release(batch: WriteBatch): void {
    batch.clear()
    this.#batch = undefined
    if (this.#owner.freeBatches.length < maximumFreeBatches) this.#owner.freeBatches.push(batch)
  }

  /** Writes the little that was gathered. Nothing waits before it. */
  #flushSmall(bytes: number): void {
    const { scratch } = this.#owner
    const batch = this.#batch
    if (batch !== undefined) {
      batch.copyTo(scratch.memory)
      this.#release(batch)
    } else {
      copyBytes(this.#source!, this.#start, this.#end, scratch.memory, 0)
      this.#source = undefined
    }
    this.#owner.counters.bytesSent += bytes
    this.#isSending = true
    this.#isTaken = false
    this.#sink!.send(scratch.view(bytes), this.#written)
    this.#isSending = false
    if (this.#isTaken) return
    scratch.replace()
    this.#underWay(bytes, NO_MEMORY, false)
  }

  /** @param isCounted whether the bytes were put off before, and are among those of the socket. */
  #send({ chunks, pooled }: Taken, bytes: number, isCounted: boolean): void {
    this.#owner.counters.bytesSent += bytes
    this.#isSending = true
    this.#isTaken = false
    if (chunks.length === 1) this.#sink!.send(chunks[0]!, this.#written)
    else this.#sink!.sendAll(chunks, this.#written)
    this.#isSending = false
    if (!this.#isTaken) {
      this.#underWay(bytes, pooled, isCounted)
      return
    }
    // The operating system has copied it all: the next one to write gets the same memory.
    for (const memory of pooled) if (memory !== undefined) this.#owner.pool.give(memory)
    if (isCounted) this.#noteSocketBytes(this.#socketBytes - bytes)
    // The stages may be in the middle of a call.
    if (this.#congested) process.nextTick(this.#drainedInPart)
    else this.#largeMessage = 0
  }

  /** A write was begun that the operating system has not taken all of. @param isCounted as for `send`. */
  #underWay(bytes: number, pooled: readonly (Buffer | undefined)[], isCounted: boolean): void {
    if (!this.#writable) {
      for (const memory of pooled) if (memory !== undefined) this.#owner.pool.abandon(memory)
      return
    }
    if (!isCounted) this.#noteSocketBytes(this.#socketBytes + bytes)
    if (this.#sending === undefined || this.#sending.length === 0) this.#lastTakenMs = performance.now()
    this.#sending ??= new Fifo()
    this.#sending.push({ bytes, pooled })
  }

  /** Keeps the gathered bytes for a later turn. @param bytes kept in total afterwards. */
  #putOff({ chunks, pooled }: Taken, bytes: number): void {
    if (this.#socketBytes === 0) this.#lastTakenMs = performance.now()
    this.#unsent ??= { chunks: [], pooled: [] }
    this.#unsent.chunks.push(...chunks)
    this.#unsent.pooled.push(...pooled)
    this.#noteSocketBytes(this.#socketBytes + bytes - this.#unsentBytes)
    this.#unsentBytes = bytes
  }

  #noteSocketBytes(bytes: number): void {
    if (bytes === this.#socketBytes) return
    this.#owner.totalPendingBytes.add(bytes - this.#socketBytes)
    this.#socketBytes = bytes
  }

  /** The operating system took what one write held, or never will: then it may still read it. */
  written(error?: Error | null): void {
    // The memory of a failed write is abandoned when the socket is closed, which is next.
    if (error) {
      if (this.#writable) this.#host.writeFailed(error)
      return
    }
    if (this.#isSending) {
      this.#isTaken = true
      return
    }
    const taken = this.#sending?.shift()
    if (taken === undefined) return
    for (const memory of taken.pooled) if (memory !== undefined) this.#owner.pool.give(memory)
    this.#lastTakenMs = performance.now()
    this.#noteSocketBytes(this.#socketBytes - taken.bytes)
    this.#drainedInPart()
  }

  /** The operating system has taken more: the peer may not count as slow any more. */
  readonly #drainedInPart = (): void => {
    if (this.pendingBytes > this.#owner.maximumPendingBytes / 2) return
    this.#largeMessage = 0
    if (!this.#congested) return
    this.#congested = false
    this.#host.drained()
  }

  #overflow(): void {
    this.#congested = true
    // Messages are held back already: only answers to the peer's packets can exceed this.
    if (this.pendingBytes > 2 * this.#owner.maximumPendingBytes + this.#largeMessage) this.#host.overflowed()
  }
}
