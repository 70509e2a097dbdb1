import type { Duplex } from 'node:stream'
import type { ConnectionOptions } from 'node:tls'
import { generate, type IConnectPacket, type ISubscribePacket } from 'mqtt-packet'
import { describeReasonCode } from '../../src/mqtt/describe-reason-code.ts'
import { PacketType, packetTypeName } from '../../src/mqtt/packet-type.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { BridgeServer, BridgeTls } from './config.ts'
import { type Frame, FrameReader } from './frame-reader.ts'
import { openSecureStream, openStream, tlsFiles } from './open-stream.ts'
import { type RemoteTerms, readConnack, UNKNOWN_VERSION } from './remote-terms.ts'

/** Bytes of packets that wait to be handled, beyond which the remote broker is not read. */
const MAXIMUM_UNREAD_BYTES = 262_144

/** How long the last packets may take to leave when the bridge stops. */
const END_MS = 2_000

export interface RemoteLinkOptions {
  readonly server: BridgeServer
  readonly tls: BridgeTls | undefined
  readonly connectTimeoutMs: number
  readonly maximumPacketSize: number
  readonly maximumPendingBytes: number
  /** With all but the Keep Alive, which is `keepAliveSeconds`. */
  readonly connect: Omit<IConnectPacket, 'cmd' | 'keepalive'>
  readonly keepAliveSeconds: number
}

export interface RemoteLinkEvents {
  /** CONNACK came and says Success. No frame is given before this call returns. */
  accepted(terms: RemoteTerms): void
  /** Packets can be taken with `next`. */
  readable(): void
  /** Bytes can be sent again. */
  drained(): void
  /** The last event. @param why in a few words. @param wasAccepted whether CONNACK had come. */
  closed(why: string, wasAccepted: boolean): void
}

/** One network connection to the remote broker: from the first packet to the end, with its Keep Alive. */
export class RemoteLink {
  readonly version: 4 | 5
  readonly connectedAtMs = Date.now()
  readonly #options: RemoteLinkOptions
  readonly #events: RemoteLinkEvents
  readonly #frames: FrameReader
  #socket: Duplex | undefined
  #isAccepted = false
  #isClosed = false
  #why: string | undefined
  /** Whether the network failed, and not the remote broker ended the connection. */
  #hasFailed = false
  /** Of Keep Alive. */
  #pingTimer: NodeJS.Timeout | undefined
  /** Until an answer that is awaited. */
  #answerTimer: NodeJS.Timeout | undefined
  /** Whether anything came since the last PINGREQ; false while PINGRESP is awaited. */
  #heard = true
  #isCorked = false
  bytesReceived = 0
  /** Whether the remote broker ended the connection, and gave no other reason than a message that it was sent. */
  endedByRemote = false
  /** The remote broker does not know the version of the CONNECT packet: it `said` so, or it ended the connection without an answer. */
  versionRefusal: 'said' | 'silent' | undefined

  constructor(options: RemoteLinkOptions, events: RemoteLinkEvents) {
    this.#options = options
    this.#events = events
    this.#frames = new FrameReader(options.maximumPacketSize)
    this.version = options.connect.protocolVersion === 5 ? 5 : 4
  }

  /** Begins to connect. Failures are reported by `closed`, never thrown. */
  open(): void {
    const { server } = this.#options
    this.awaitAnswer('CONNECT')
    if (!server.isTls) this.#use(openStream(this.#options, () => this.#sendConnect()))
    else void this.#openTls()
  }

  /** Ends the connection unless `answered` follows within `connectTimeoutMs`. @param what that has to be answered. */
  awaitAnswer(what: string): void {
    const { connectTimeoutMs } = this.#options
    clearTimeout(this.#answerTimer)
    this.#answerTimer = setTimeout(() => {
      // The answer may be in what this broker has not taken yet.
      if (this.#frames.pending > 0 && this.#isAccepted) this.awaitAnswer(what)
      else this.close(`no answer to ${what} within connectTimeoutMs, ${connectTimeoutMs} ms`)
    }, connectTimeoutMs)
  }

  answered(): void {
    clearTimeout(this.#answerTimer)
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Whether so many bytes wait to be sent that messages have to wait. */
  get congested(): boolean {
    return this.pendingBytes > this.#options.maximumPendingBytes
  }

  /** Whether so many bytes wait that nothing must be taken that needs an answer. */
  get blocked(): boolean {
    return this.pendingBytes > 2 * this.#options.maximumPendingBytes
  }

  get pendingBytes(): number {
    return this.#socket?.writableLength ?? 0
  }

  /** The next packet; undefined if there is none, and `readable` follows. Fails the link if the bytes are no packet. */
  next(): Frame | undefined {
    if (this.#isClosed) return undefined
    try {
      const frame = this.#frames.next()
      // The rest of a large packet has to be read, however many bytes of it are there.
      if (this.#frames.pending <= MAXIMUM_UNREAD_BYTES || !this.#frames.isComplete) this.#socket?.resume()
      return frame
    } catch (error) {
      this.close((error as Error).message)
      return undefined
    }
  }

  /** Sends bytes with all others of this turn of the event loop. */
  write(bytes: Uint8Array): void {
    const socket = this.#socket
    if (this.#isClosed || socket === undefined) return
    if (!this.#isCorked) {
      this.#isCorked = true
      socket.cork()
      process.nextTick(() => {
        this.#isCorked = false
        socket.uncork()
      })
    }
    socket.write(bytes)
  }

  subscribe(packet: ISubscribePacket): void {
    this.write(generate(packet, { protocolVersion: this.version }))
  }

  /** Ends the connection at once. A second call has no effect. @param why for the log. @param byRemote as `endedByRemote`. */
  close(why: string, byRemote = false): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.endedByRemote = byRemote
    this.#stopTimers()
    this.#socket?.destroy()
    this.#events.closed(this.#why ?? why, this.#isAccepted)
  }

  /** Sends DISCONNECT behind what was written, and ends the connection. Resolves when it is closed. */
  async end(): Promise<void> {
    const socket = this.#socket
    if (this.#isClosed || socket === undefined || !this.#isAccepted) {
      this.close('the bridge stopped')
      return
    }
    this.write(DISCONNECT)
    this.#stopTimers()
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    const deadline = setTimeout(() => socket.destroy(), END_MS)
    socket.end()
    // What still comes is not taken any more.
    this.#isClosed = true
    socket.resume()
    await closed
    clearTimeout(deadline)
    this.#events.closed('the bridge stopped', true)
  }

  #stopTimers(): void {
    clearInterval(this.#pingTimer)
    clearTimeout(this.#answerTimer)
  }

  async #openTls(): Promise<void> {
    let files: ConnectionOptions
    try {
      files = await tlsFiles(this.#options.tls)
    } catch (error) {
      this.close(`its TLS files cannot be used: ${(error as Error).message}`)
      return
    }
    if (this.#isClosed) return
    try {
      this.#use(openSecureStream(this.#options, files, () => this.#sendConnect()))
    } catch (error) {
      this.close(`TLS failed: ${(error as Error).message}`)
    }
  }

  #use(socket: Duplex): void {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#data(chunk))
    socket.on('drain', () => this.#events.drained())
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#why ??= error.message === '' ? String(error.code) : error.message
      this.#hasFailed = !RESETS.has(error.code)
      socket.destroy()
    })
    socket.on('end', () => this.#ended())
    socket.on('close', () => this.close(this.#why ?? 'the connection was lost', !this.#hasFailed))
  }

  #ended(): void {
    if (!this.#isAccepted) this.versionRefusal = 'silent'
    this.close(`the remote broker ended the connection${this.#isAccepted ? '' : ' without CONNACK'}`, true)
  }

  #sendConnect(): void {
    const { connect, keepAliveSeconds } = this.#options
    this.write(generate({ cmd: 'connect', ...connect, keepalive: keepAliveSeconds }, { protocolVersion: this.version }))
  }

  #data(chunk: Buffer): void {
    if (this.#isClosed) return
    this.#heard = true
    this.bytesReceived += chunk.length
    this.#frames.push(chunk)
    if (!this.#isAccepted) this.#takeConnack()
    if (!this.#isAccepted || this.#isClosed) return
    if (this.#frames.pending > MAXIMUM_UNREAD_BYTES) this.#pauseUnlessPartial()
    this.#events.readable()
  }

  /** A packet may be larger than the bound: then the rest of it must be read. */
  #pauseUnlessPartial(): void {
    if (this.#frames.isComplete) this.#socket?.pause()
  }

  #takeConnack(): void {
    const type = this.#frames.firstByte! >> 4
    if (type !== PacketType.Connack) {
      this.close(`it answered CONNECT with ${packetTypeName(type)}`)
      return
    }
    const frame = this.next()
    if (frame === undefined) return
    try {
      const terms = readConnack(frame, this.version)
      if (terms === UNKNOWN_VERSION) this.versionRefusal = 'said'
      if (typeof terms === 'string') this.close(`it refused the bridge: ${terms}`)
      else this.#accept(terms)
    } catch (error) {
      this.close((error as Error).message)
    }
  }

  #accept(terms: RemoteTerms): void {
    this.#isAccepted = true
    this.answered()
    const seconds = terms.keepAliveSeconds ?? this.#options.keepAliveSeconds
    if (seconds > 0) this.#pingTimer = setInterval(() => this.#ping(seconds), seconds * 1000)
    this.#events.accepted(terms)
  }

  /** Whether the remote broker is there is asked in each interval, also while it is sent messages. */
  #ping(seconds: number): void {
    // It is not read at present, so its answer cannot be seen, unless it is not read since it does not read itself.
    if (!this.#heard && (this.#socket?.isPaused() !== true || this.blocked)) {
      this.close(`no answer to PINGREQ for ${seconds} s`)
      return
    }
    this.#heard = false
    this.write(PINGREQ)
  }
}

/** What a server says in DISCONNECT of MQTT 5. */
export const disconnectReason = ({ bytes, start, end }: Frame): string =>
  `it sent DISCONNECT: ${start < end ? describeReasonCode(bytes[start]!) : 'no reason given'}`

/** Whether a message may be the cause of a DISCONNECT packet. */
export const isAboutMessage = ({ bytes, start, end }: Frame): boolean =>
  start < end && !OTHER_REASONS.has(bytes[start]!)

/** Reasons of DISCONNECT that have nothing to do with a single message. */
const OTHER_REASONS: ReadonlySet<number> = new Set([
  ...[ReasonCode.Success, ReasonCode.ServerBusy, ReasonCode.ServerShuttingDown, ReasonCode.KeepAliveTimeout],
  ...[ReasonCode.SessionTakenOver, ReasonCode.MessageRateTooHigh, ReasonCode.QuotaExceeded],
  ...[ReasonCode.AdministrativeAction, ReasonCode.UseAnotherServer, ReasonCode.ServerMoved],
  ...[ReasonCode.ConnectionRateExceeded, ReasonCode.MaximumConnectTime],
])

/** Errors of a connection that the other side ended. */
const RESETS: ReadonlySet<string | undefined> = new Set(['ECONNRESET', 'EPIPE'])

const PINGREQ = Buffer.from([PacketType.Pingreq << 4, 0])
const DISCONNECT = Buffer.from([PacketType.Disconnect << 4, 0])
