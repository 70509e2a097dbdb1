import type { ConnectionEnd } from '../../src/kinds/connection.ts'
import type { Peer } from '../../src/kinds/peer.ts'
import type { DecoderInput } from '../../src/kinds/pipeline-stage.ts'
import type { ByteStream, Transport } from '../../src/kinds/transport.ts'
import { ConnectionFields } from './connection-fields.ts'
import { ConnectionInput, type InputHost } from './connection-input.ts'
import { ConnectionOutput, type OutputHost } from './connection-output.ts'
import type { ConnectionOwner } from './connection-owner.ts'
import type { ConnectionRecord, FormerConnection } from './connection-record.ts'
import { ConnectionStages, type StagesHost } from './connection-stages.ts'
import type { TurnEnd } from './end-of-turn.ts'
import type { Pipeline } from './pipeline.ts'
import type { Reopening } from './reopening.ts'
import type { AdoptedSocket } from './shared-input.ts'
import { StreamPort, type StreamUser } from './stream-port.ts'
import { StreamSink } from './stream-sink.ts'

/** Units of work of the end of a connection, as far as the server and its stages are concerned. */
const CLOSE_WORK = 300

/** One stream of bytes and its pipeline. The stream is half open: a peer that has closed its side still gets answers. */
export class StreamConnection
  extends ConnectionFields
  implements StagesHost, TurnEnd, InputHost, OutputHost, StreamUser, FormerConnection
{
  readonly #stream: ByteStream
  readonly #port: StreamPort
  /** The stream, if it reads into the shared input; otherwise it has `data` events. */
  readonly #adopted: AdoptedSocket | undefined
  readonly #owner: ConnectionOwner<StreamConnection>

  readonly stages: ConnectionStages
  readonly #input: ConnectionInput
  readonly #output: ConnectionOutput
  #awaitsEndOfTurn = false
  /** Why nothing can be written any more, while what the peer sent before is still read. */
  #writeError: Error | undefined
  /** Why nothing can be read any more. The stream is destroyed when its turn comes. */
  #readError: Error | undefined

  // How it ends: not open, then the stages told, then gone.
  #open = true
  #end: ConnectionEnd | undefined
  /** Set while another object is in its place. */
  #left: { readonly wasOpen: boolean } | undefined

  /**
   * @param transport that it came from. A stream of an adoptable one is taken over, to read into the shared input.
   * @param handed the state of another object that has the connection: then `continueFrom` follows.
   */
  constructor(
    id: number,
    stream: ByteStream,
    peer: Peer,
    owner: ConnectionOwner<StreamConnection>,
    { adoptable, options }: Pick<Transport, 'adoptable' | 'options'>,
    handed?: ConnectionRecord,
  ) {
    super(id, peer, options, owner)
    this.#owner = owner
    this.stages = new ConnectionStages(this)
    this.#input = new ConnectionInput(owner, this)
    this.#output = new ConnectionOutput(owner, this)
    const port = handed?.port ?? new StreamPort(this)
    this.#port = port
    const adopt = () => owner.input.adopt(stream, this.#input, port.readFailed)
    const adopted = handed === undefined && adoptable ? adopt() : handed?.adopted
    this.#adopted = adopted
    this.#stream = adopted ?? stream
    this.#input.open(this.#stream)
    this.#output.open(adopted ?? new StreamSink(stream), port.written)
    if (handed === undefined) return
    this.takeFields(handed.fields)
    this.#writeError = handed.writeError
    this.#readError = handed.readError
    this.#end = handed.end
  }

  /** An object that continues for another one, by `continueFrom`. */
  static from(handed: ConnectionRecord, owner: ConnectionOwner<StreamConnection>): StreamConnection {
    const { stream, fields } = handed
    const { id, peer, listener: options } = fields
    return new StreamConnection(id, stream, peer, owner, { adoptable: false, options }, handed)
  }

  /** Opens the pipeline and begins to read. */
  start(pipeline: Pipeline): void {
    this.#port.listen(this.#stream)
    this.stages.open(pipeline)
    if (this.#adopted === undefined) {
      this.#port.read(this.#stream)
      return
    }
    const { unread } = this.#adopted
    this.#adopted.unread = undefined
    this.#input.begin(unread)
  }

  get pendingBytes(): number {
    return this.#output.pendingBytes
  }

  /** When the operating system last took something while bytes waited for it, on the clock of `performance.now()`. */
  get lastTakenMs(): number {
    return this.#output.lastTakenMs
  }

  get congested(): boolean {
    return this.#output.congested
  }

  get open(): boolean {
    return this.#open
  }

  get end(): ConnectionEnd | undefined {
    return this.#end
  }

  get bytesReceived(): number {
    return this.#input.bytesReceived
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
    this.#output.forward(bytes, 0, bytes.length)
  }

  forward(source: Uint8Array, start: number, end: number): void {
    this.#output.forward(source, start, end)
  }

  close(reason: string): void {
    this.#close(reason, 'broker')
  }

  #close(reason: string, by: ConnectionEnd['by']): void {
    if (!this.#open) return
    this.#output.flush(true)
    this.#lost(reason, by)
    if (this.#writeError !== undefined) {
      this.#stream.destroy()
      return
    }
    this.#endLater()
    this.#stream.end()
    // Bytes that still arrive are read and discarded. To close with unread bytes would reset the connection, and the peer could
    // lose the last answer. The end of the peer's side is also found only by reading.
    this.#stream.resume()
  }

  /** Ends the connection at once, and drops what waits for the peer. */
  cutOff(reason: string): void {
    this.#lost(reason, 'broker')
    this.#stream.destroy()
  }

  get unfinished(): boolean {
    return this.pendingBytes > 0 || this.stages.unfinished
  }

  /** Tells the stages that the server stops, so that the handler can send DISCONNECT, then closes. */
  stop(reason: string): void {
    this.stages.tellOpen((stage) => stage.stopping?.())
    this.close(reason)
  }

  bytes(chunk: Buffer): void {
    this.#input.readOwn(chunk)
  }

  streamEnded(): void {
    this.#input.peerEnded()
  }

  /** Not every stream is destroyed by its own error: a half-open TLS stream would stay open forever. */
  streamFailed(error: Error): void {
    this.#lost(error.message, 'network')
    this.#stream.destroy()
  }

  written(error?: Error | null): void {
    this.#output.written(error)
  }

  endTurn(): void {
    this.#awaitsEndOfTurn = false
    if (this.#open) this.#output.flush()
    else if (this.#left === undefined) this.stages.tellClosed()
  }

  /** The peer sends nothing more: the connection ends. The peer still gets the answers. */
  allRead(): void {
    if (this.#writeError === undefined) this.#close('client closed the network connection', 'client')
    else this.#close(this.#writeError.message, 'network')
  }

  stageThrew(error: unknown): void {
    this.logFault(error, 'A stage of the pipeline threw; its connection is cut off')
    this.#lost('a stage of the pipeline threw', 'broker')
    this.#stream.destroy()
  }

  leavingFailed(error: unknown): void {
    this.logFault(error, 'A stage of the pipeline threw when a reset replaced it; its connection goes on')
  }

  overflowed(): void {
    this.#input.block()
  }

  drained(): void {
    this.stages.tellOpen((stage) => stage.drained?.())
    this.#input.unblock()
  }

  /**
   * The peer has reset the connection. Bytes that it sent before are read first, since they may contain DISCONNECT
   * [MQTT-3.14.4-3]. Bytes that wait for it are dropped.
   */
  writeFailed(error: Error): void {
    this.#output.closed()
    if (!this.#open) {
      this.#stream.destroy(error)
      return
    }
    this.#writeError = error
    this.#input.unblock()
    this.#endLater()
  }

  /** The peer has reset the connection, and all that it had sent was read. Thousands may be reset at once: one after the other. */
  readFailed(error: Error): void {
    this.#readError = error
    this.#awaitFailure()
  }

  #awaitFailure(): void {
    const { budget } = this.#owner
    budget.wait({
      takeTurn: () => {
        if (this.#left !== undefined) return
        budget.spend(CLOSE_WORK)
        this.#stream.destroy(this.#readError)
      },
    })
  }

  /**
   * The stream ends by itself: the peer closes its side, or all that it had sent was read. The deadline is for peers that do not, and for
   * systems that do not report that end.
   */
  #endLater(): void {
    this.endDeadline.begin(this.#owner.closeDeadlineMs)
  }

  protected override deadlinePassed(): void {
    // This process does not read: the peer is not the cause.
    if (this.#open && this.paused) this.#endLater()
    else this.#stream.destroy(this.#writeError)
  }

  awaitEndOfTurn(): void {
    if (this.#awaitsEndOfTurn) return
    this.#awaitsEndOfTurn = true
    this.#owner.endOfTurn.add(this)
  }

  /** From here on nothing is read or written. The stages are notified after the current call of a stage has returned. */
  #lost(reason: string, by: ConnectionEnd['by']): void {
    if (!this.#open) return
    this.#open = false
    this.#end = { by, reason }
    this.#output.drop()
    this.#input.drop()
    this.#owner.ended(this, by)
    this.awaitEndOfTurn()
  }

  streamClosed(): void {
    this.stopDeadline()
    this.#output.closed()
    this.#input.closed()
    this.#lost('network connection lost', 'network')
    this.stages.tellClosed()
    this.logClosed(this.#end?.reason)
    this.#owner.gone(this)
  }

  /** Brings it to a state in which nothing is borrowed. @returns whether its stages were told that it is not open any more. */
  settle(): boolean {
    if (this.#open) this.#output.flush()
    if (this.#open || this.stages.told) return false
    this.stages.tellClosed()
    return true
  }

  decodeWith(decoder: DecoderInput): void {
    if (!this.#input.decodeWith(decoder)) return
    // The decoder before may have lent memory for the next read.
    this.#adopted?.readAnew()
  }

  /** Its state, for the object that continues for it. Writes what was gathered. */
  handOver(): ConnectionRecord {
    if (this.#open) this.#output.flush()
    return {
      fields: this.handOverFields(),
      stream: this.#stream,
      port: this.#port,
      adopted: this.#adopted,
      reads: this.#adopted?.readPort.to.handOver(),
      stages: this.stages.handOver(),
      input: this.#input.handOver(),
      output: this.#output.handOver(),
      writeError: this.#writeError,
      readError: this.#readError,
      open: this.#open,
      end: this.#end,
    }
  }

  /**
   * Continues for the object that it was made from, between two turns of the event loop.
   * @param begun takes what undoes it, before anything changes. @throws what a stage throws.
   */
  continueFrom(former: FormerConnection, handed: ConnectionRecord, plan: Reopening, begun: (undo: () => void) => void) {
    const reads = this.#adopted?.readPort.to
    let undoStages = (): readonly unknown[] => []
    begun(() => {
      const now = this.handOver()
      this.leave()
      this.#port.to = former
      if (reads !== undefined) this.#adopted!.readPort.to = reads
      former.takeBack(now)
      const errors = undoStages()
      this.#adopted?.readAnew()
      for (const error of errors) former.stageThrew(error)
    })
    former.leave()
    this.#port.to = this
    if (this.#adopted !== undefined) this.#owner.input.readFor(this.#adopted, this.#input, handed.reads!)
    this.#output.continueFrom(handed.output)
    this.#input.continueFrom(handed.input)
    this.#open = handed.open
    this.continueDeadline(handed.fields)
    if (this.#readError !== undefined) this.#awaitFailure()
    if (!handed.open) {
      this.stages.adopt(handed.stages)
      this.awaitEndOfTurn()
      return
    }
    this.stages.continueFrom(handed.stages, plan, (undo) => {
      undoStages = undo
    })
  }

  leave(): void {
    this.#left = { wasOpen: this.#open }
    this.#open = false
    this.stopDeadline()
    this.#output.leave()
  }

  takeBack(now: ConnectionRecord): void {
    this.#open = this.#left!.wasOpen
    this.#left = undefined
    this.#output.takeBack(now.output)
    this.#input.takeBack(now.input)
    this.#writeError ??= now.writeError
    // A stage of the successor has closed it.
    if (now.end !== undefined) this.#lost(now.end.reason, now.end.by)
    this.continueDeadline(now.fields)
  }

  /** Another object has the connection for good: tells the stages that others have taken their places. */
  retire(): void {
    if (this.#left?.wasOpen === true) this.stages.retire()
  }
}
