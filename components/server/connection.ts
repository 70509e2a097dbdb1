import type { Connection, ConnectionEnd } from '../../src/kinds/connection.ts'
import type { ListenerOptions } from '../../src/kinds/listener-options.ts'
import { describePeer, type Peer } from '../../src/kinds/peer.ts'
import type { DecoderInput, StageEnd } from '../../src/kinds/pipeline-stage.ts'
import type { ByteStream, Transport } from '../../src/kinds/transport.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { ConnectionInput, type InputHost } from './connection-input.ts'
import { ConnectionOutput, type OutputHost } from './connection-output.ts'
import type { ConnectionOwner } from './connection-owner.ts'
import type { CoreListener } from './core-listener.ts'
import type { TurnEnd } from './end-of-turn.ts'
import { OpenPipeline, type Pipeline } from './pipeline.ts'
import { obstacleTo, ReopenedPipeline, type Reopening } from './reopening.ts'
import type { AdoptedSocket } from './shared-input.ts'
import { StreamPort, type StreamUser } from './stream-port.ts'
import { StreamSink } from './stream-sink.ts'

/** Units of work of the end of a connection, as far as the server and its stages are concerned. */
const CLOSE_WORK = 300

/** A pipeline that was opened anew. */
export interface PipelineChange {
  /** Continues with the stages before, in the same turn of the event loop. A connection for which that fails is cut off. */
  undo(): void
  /** Tells the stages before that they are left. */
  done(): void
}

/** One stream of bytes and its pipeline. The stream is half open: a peer that has closed its side still gets answers. */
export class StreamConnection implements Connection, TurnEnd, InputHost, OutputHost, StreamUser {
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
  readonly #stream: ByteStream
  readonly #port: StreamPort
  /** The stream, if it reads into the shared input; otherwise it has `data` events. */
  readonly #adopted: AdoptedSocket | undefined
  readonly #owner: ConnectionOwner<StreamConnection>

  readonly #pipeline: OpenPipeline
  readonly #input: ConnectionInput

  readonly #output: ConnectionOutput
  #awaitsEndOfTurn = false
  /** Why nothing can be written any more, while what the peer sent before is still read. */
  #writeError: Error | undefined

  // How it ends: not open, then the stages told, then gone.
  #open = true
  #stagesTold = false
  #end: ConnectionEnd | undefined
  #closeDeadline: NodeJS.Timeout | undefined

  /** @param transport that it came from. A stream of an adoptable one is taken over, to read into the shared input. */
  constructor(
    id: number,
    stream: ByteStream,
    peer: Peer,
    owner: ConnectionOwner<StreamConnection>,
    { adoptable, options }: Pick<Transport, 'adoptable' | 'options'>,
  ) {
    this.id = id
    this.peer = peer
    this.listener = options
    this.#owner = owner
    this.#pipeline = new OpenPipeline(this, (error) => this.stageThrew(error))
    this.#input = new ConnectionInput(owner, this)
    this.#output = new ConnectionOutput(owner, this)
    const port = new StreamPort(this)
    this.#port = port
    const adopted = adoptable ? owner.input.adopt(stream, this.#input, port.readFailed) : undefined
    this.#adopted = adopted
    this.#stream = adopted ?? stream
    this.#input.open(this.#stream)
    this.#output.open(adopted ?? new StreamSink(stream), port.written)
  }

  /** Opens the pipeline and begins to read. */
  start(pipeline: Pipeline): void {
    this.#port.listen(this.#stream)
    try {
      this.#input.decodeWith(this.#pipeline.open(pipeline))
    } catch (error) {
      this.stageThrew(error)
    }
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

  get banned(): boolean {
    return this.#owner.isBanned(this.peer)
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

  noteFailedAuthentication(): void {
    this.#owner.failedAuthentication(this.peer)
  }

  close(reason: string): void {
    this.#close(reason, 'broker')
  }

  #close(reason: string, by: ConnectionEnd['by']): void {
    if (!this.#open) return
    this.#output.flush(true)
    if (this.#writeError !== undefined) {
      this.#lost(reason, by)
      this.#stream.destroy()
      return
    }
    this.#lost(reason, by)
    this.#closeDeadline = setTimeout(() => this.#stream.destroy(), this.#owner.closeDeadlineMs)
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
    if (this.pendingBytes > 0) return true
    try {
      return this.#pipeline.ends.some((stage) => stage.unfinished?.() === true)
    } catch (error) {
      this.stageThrew(error)
      return false
    }
  }

  /** Tells the stages that the server stops, so that the handler can send DISCONNECT, then closes. */
  stop(reason: string): void {
    this.#tellOpen((stage) => stage.stopping?.())
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
    else this.#tellStages()
  }

  /** The peer sends nothing more: the connection ends. The peer still gets the answers. */
  allRead(): void {
    if (this.#writeError === undefined) this.#close('client closed the network connection', 'client')
    else this.#close(this.#writeError.message, 'network')
  }

  stageThrew(error: unknown): void {
    const details = { err: error, connection: this.id, remote: describePeer(this.peer) }
    this.#owner.log.error(details, 'A stage of the pipeline threw; its connection is cut off')
    this.#lost('a stage of the pipeline threw', 'broker')
    this.#stream.destroy()
  }

  overflowed(): void {
    this.#input.block()
  }

  drained(): void {
    this.#tellOpen((stage) => stage.drained?.())
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
    this.#awaitEnd()
  }

  /** The peer has reset the connection, and all that it had sent was read. Thousands may be reset at once: one after the other. */
  readFailed(error: Error): void {
    const { budget } = this.#owner
    budget.wait({
      takeTurn: () => {
        budget.spend(CLOSE_WORK)
        this.#stream.destroy(error)
      },
    })
  }

  /** Reading ends at the end of what the operating system holds. The deadline is for systems that do not report that end. */
  #awaitEnd(): void {
    this.#closeDeadline = setTimeout(() => {
      // This process does not read: the peer is not the cause.
      if (this.#open && this.paused) this.#awaitEnd()
      else this.#stream.destroy(this.#writeError)
    }, this.#owner.closeDeadlineMs)
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
    clearTimeout(this.#closeDeadline)
    this.#output.closed()
    this.#input.closed()
    this.#lost('network connection lost', 'network')
    this.#tellStages()
    const { log } = this.#owner
    if (log.isLevelEnabled('debug')) {
      const remote = describePeer(this.peer)
      log.debug({ connection: this.id, remote, reason: this.#end?.reason }, 'Connection closed')
    }
    this.#owner.gone(this)
  }

  /** Brings it to a state in which nothing is borrowed. @returns whether its stages were told that it is not open any more. */
  settle(): boolean {
    if (this.#open) this.#output.flush()
    if (this.#open || this.#stagesTold) return false
    this.#tellStages()
    return true
  }

  /** Why its pipeline cannot be opened anew; undefined if it can be, or need not be. */
  obstacleTo(plan: Reopening): string | undefined {
    return this.#hasWholePipeline ? obstacleTo(plan, this.#pipeline) : undefined
  }

  /**
   * Opens its pipeline anew, between two turns of the event loop. Does nothing for a connection whose stages were told of its end, or that
   * is being closed because one of them did not open.
   * @param begun takes what undoes it, before anything changes. @throws what a stage throws.
   */
  reopen(plan: Reopening, begun: (change: PipelineChange) => void): void {
    if (!this.#hasWholePipeline) return
    const reopened = new ReopenedPipeline(this.#pipeline, this, plan)
    begun({
      undo: () => this.#undo(reopened),
      done: () => this.#done(reopened),
    })
    this.#decodeWith(reopened.commit())
  }

  get #hasWholePipeline(): boolean {
    const { ends, pipeline } = this.#pipeline
    return !this.#stagesTold && ends.length === pipeline?.places.length
  }

  #undo(reopened: ReopenedPipeline): void {
    try {
      this.#decodeWith(reopened.undo())
    } catch (error) {
      this.stageThrew(error)
    }
  }

  #done(reopened: ReopenedPipeline): void {
    try {
      reopened.done()
    } catch (error) {
      this.stageThrew(error)
    }
  }

  #decodeWith(decoder: DecoderInput): void {
    if (!this.#input.decodeWith(decoder)) return
    // The decoder before may have lent memory for the next read.
    this.#adopted?.readAnew()
  }

  #tellOpen(tell: (stage: StageEnd) => void): void {
    try {
      for (const stage of this.#pipeline.ends.toReversed()) if (this.#open) tell(stage)
    } catch (error) {
      this.stageThrew(error)
    }
  }

  #tellStages(): void {
    if (this.#stagesTold) return
    this.#stagesTold = true
    // The ends are in the order in which they were opened: from the end of the pipeline.
    for (const stage of this.#pipeline.ends.toReversed()) {
      try {
        stage.closed?.()
      } catch (error) {
        this.stageThrew(error)
      }
    }
  }
}
