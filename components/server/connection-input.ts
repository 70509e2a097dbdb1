import type { ConnectionCounters } from '../../src/kinds/listener.ts'
import type { DecoderInput } from '../../src/kinds/pipeline-stage.ts'
import type { ByteStream } from '../../src/kinds/transport.ts'
import type { InputReader } from './socket-reads.ts'
import type { PendingBytesWaiter, TotalPendingBytes } from './total-pending-bytes.ts'
import { MINIMUM_SHARE, type TurnBudget, type TurnWaiter } from './turn-budget.ts'

/** Units of work of a read, without its packets: the system call and the call of the decoder. */
const READ_WORK = 10

/** What the input sides of all connections share. */
export interface InputOwner {
  readonly totalPendingBytes: TotalPendingBytes
  readonly budget: TurnBudget
  readonly counters: ConnectionCounters
}

/** The connection that an input side belongs to. */
export interface InputHost {
  readonly open: boolean
  /** Everything from the peer was read, and the peer has closed its side. */
  allRead(): void
  /** A stage of the pipeline threw. */
  stageThrew(error: unknown): void
}

export interface InputRecord {
  readonly bytesReceived: number
  readonly reading: boolean
  readonly paused: boolean
  readonly yielding: boolean
  readonly needsRoom: boolean
  readonly fullWork: number
  readonly fullPeriod: number
  readonly blocked: boolean
  /** Whether it waits for its turn. */
  readonly queued: boolean
  readonly rest: Uint8Array | undefined
  readonly peerEnded: boolean
}

/**
 * The input of one connection. It stops for any of four reasons: a stage has to wait, the share of the turn is used up,
 * too many bytes are pending for all connections, or the peer does not read its answers.
 */
export class ConnectionInput implements InputReader, TurnWaiter, PendingBytesWaiter {
  readonly #owner: InputOwner
  readonly #host: InputHost
  #stream: Pick<ByteStream, 'pause' | 'resume'> | undefined
  /** Bytes that have come so far. */
  bytesReceived = 0
  #decoder: DecoderInput | undefined

  #reading = true
  /** Whether a stage has paused it. */
  #paused = false
  /** Whether its share of this turn is used up, or too many bytes are pending for all connections. */
  #yielding = false
  /** Whether it waits until fewer bytes are pending for all connections. */
  #needsRoom = false
  /** Units of work that its packets have caused in the period `#fullPeriod`, in which too many bytes are pending for all connections. */
  #fullWork = 0
  #fullPeriod = 0
  /** Whether the peer must read some answers first. */
  #blocked = false
  /** Whether it is in the queue of the turn budget. */
  #queued = false

  /** Units of work that its packets have caused in the turn `#turn`, and those that they may. */
  #work = 0
  #share = Number.POSITIVE_INFINITY
  #turn = -1

  /** The rest of a chunk that a paused decoder has not taken. */
  #rest: Uint8Array | undefined
  /** Whether the peer has closed its side. */
  #peerEnded = false

  constructor(owner: InputOwner, host: InputHost) {
    this.#owner = owner
    this.#host = host
  }

  handOver(): InputRecord {
    return {
      bytesReceived: this.bytesReceived,
      reading: this.#reading,
      paused: this.#paused,
      yielding: this.#yielding,
      needsRoom: this.#needsRoom,
      fullWork: this.#fullWork,
      fullPeriod: this.#fullPeriod,
      blocked: this.#blocked,
      queued: this.#queued,
      rest: this.#rest,
      peerEnded: this.#peerEnded,
    }
  }

  /** Continues for another object, and waits for what that waits for. */
  continueFrom(handed: InputRecord): void {
    this.bytesReceived = handed.bytesReceived
    this.#reading = handed.reading
    this.#paused = handed.paused
    this.#yielding = handed.yielding
    this.#needsRoom = handed.needsRoom
    this.#fullWork = handed.fullWork
    this.#fullPeriod = handed.fullPeriod
    this.#blocked = handed.blocked
    this.#rest = handed.rest
    this.#peerEnded = handed.peerEnded
    if (handed.queued) this.#waitForTurn()
    else if (handed.needsRoom && !this.#owner.totalPendingBytes.wait(this)) this.goOn()
  }

  /** The reset was undone by which another object continued for it: reads again as before. */
  takeBack({ reading }: InputRecord): void {
    if (this.#host.open && reading !== this.#reading) this.#stream?.[this.#reading ? 'resume' : 'pause']()
  }

  /** True from `pause` to `resume`, and while it waits for its turn: no packet passes the decoder. */
  get paused(): boolean {
    return this.#paused || this.#yielding
  }

  /** Sets what it reads from; the reading begins when that flows. */
  open(stream: Pick<ByteStream, 'pause' | 'resume'>): void {
    this.#stream = stream
  }

  /** Begins to read. @param unread bytes that were read before; they last. */
  begin(unread: Uint8Array | undefined): void {
    if (unread !== undefined) this.readOwn(unread)
    if (this.#reading && this.#host.open) this.#stream?.resume()
  }

  /** Sets where the bytes go. @returns whether that is another decoder than before. */
  decodeWith(decoder: DecoderInput): boolean {
    const isOther = this.#decoder !== decoder
    this.#decoder = decoder
    return isOther
  }

  /** Whether a part of the last chunk waits. */
  get hasRest(): boolean {
    return this.#rest !== undefined
  }

  read(chunk: Uint8Array): void {
    this.#count(chunk.length)
    this.#decode(chunk, false)
    this.#chargeRead(chunk.length)
  }

  /** Takes a chunk whose memory is not used again. */
  readOwn(chunk: Uint8Array): void {
    this.#count(chunk.length)
    this.#decode(chunk, true)
    this.#chargeRead(chunk.length)
  }

  readBuffer(): Buffer | undefined {
    return this.#host.open && !this.paused ? this.#decoder?.readBuffer?.() : undefined
  }

  bytesRead(length: number): void {
    this.#count(length)
    if (!this.#host.open) return
    try {
      this.#decoder?.bytesRead?.(length)
    } catch (error) {
      this.#host.stageThrew(error)
    }
    this.#chargeRead(length)
  }

  pause(): void {
    this.#paused = true
    this.#stopReading()
  }

  resume(): void {
    this.#paused = false
    this.#waitForTurn()
  }

  /** Charges work of which other connections are sent something: it may also wait while too many bytes are pending for all connections. */
  chargeWork(units: number): void {
    if (this.#owner.totalPendingBytes.full) this.#chargeFull(units)
    this.chargePacket(units)
  }

  chargePacket(units: number): void {
    const { budget } = this.#owner
    if (this.#turn !== budget.turn) this.#beginTurn(Number.POSITIVE_INFINITY)
    this.#work += units
    const isLeft = budget.spend(units)
    if (this.#work < this.#share && (isLeft || this.#work < MINIMUM_SHARE)) return
    this.#yield()
  }

  /** Its share of a new turn. */
  takeTurn(share: number): void {
    this.#queued = false
    if (!this.#host.open) return
    this.#needsRoom = this.#needsRoom && this.#owner.totalPendingBytes.wait(this)
    this.#yielding = this.#needsRoom
    if (this.#reading || this.paused || this.#blocked) return
    this.#beginTurn(share)
    this.#readOn()
  }

  /** Fewer bytes are pending for all connections. */
  goOn(): void {
    this.#needsRoom = false
    this.#waitForTurn()
  }

  /** The peer has to take some answers before it is read on. */
  block(): void {
    this.#blocked = true
    this.#stopReading()
  }

  /** The peer has taken them. */
  unblock(): void {
    this.#blocked = false
    if (!this.#reading) this.#waitForTurn()
  }

  /** The peer sends nothing more. */
  peerEnded(): void {
    this.#peerEnded = true
    this.#finish()
  }

  /** The connection is not open any more: drops the rest of the chunk. */
  drop(): void {
    this.#rest = undefined
  }

  /** The socket is closed. */
  closed(): void {
    this.#owner.totalPendingBytes.forget(this)
  }

  /** Too many bytes are pending for all connections: a publisher that has caused little work since is read on. */
  #chargeFull(units: number): void {
    const { totalPendingBytes } = this.#owner
    if (this.#fullPeriod !== totalPendingBytes.period) {
      this.#fullPeriod = totalPendingBytes.period
      this.#fullWork = 0
    }
    this.#fullWork += units
    if (!totalPendingBytes.mustWait(this.#fullWork)) return
    this.#needsRoom = true
    this.#yield()
  }

  #beginTurn(share: number): void {
    this.#turn = this.#owner.budget.turn
    this.#work = 0
    this.#share = share
  }

  /** @param isOwn whether the bytes last: otherwise what is left of them is copied. */
  #decode(chunk: Uint8Array, isOwn: boolean): void {
    if (!this.#host.open || this.#decoder === undefined) return
    let taken = chunk.length
    try {
      taken = this.#decoder.bytes(chunk)
    } catch (error) {
      this.#host.stageThrew(error)
    }
    if (!this.#host.open) return
    if (taken < chunk.length) this.#rest = isOwn ? chunk.subarray(taken) : new Uint8Array(chunk.subarray(taken))
  }

  #count(bytes: number): void {
    this.bytesReceived += bytes
    this.#owner.counters.bytesReceived += bytes
  }

  #chargeRead(length: number): void {
    this.chargePacket(READ_WORK + (length >> 10))
  }

  #yield(): void {
    this.#yielding = true
    this.#stopReading()
    this.#waitForTurn()
  }

  #waitForTurn(): void {
    if (this.#queued) return
    this.#queued = true
    this.#owner.budget.wait(this)
  }

  #stopReading(): void {
    // Of a closed connection everything is read, and discarded.
    if (!this.#host.open) return
    this.#reading = false
    this.#stream?.pause()
  }

  /** Reads on, first what is left of the last chunk. Not called while a stage is at work. */
  #readOn(): void {
    this.#reading = true
    const rest = this.#rest
    this.#rest = undefined
    if (rest !== undefined) this.#decode(rest, true)
    if (this.#peerEnded) this.#finish()
    // The chunk may have stopped it again.
    if (this.#reading && this.#host.open) this.#stream?.resume()
  }

  #finish(): void {
    if (!this.paused && this.#rest === undefined) this.#host.allRead()
  }
}
