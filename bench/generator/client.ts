import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Qos, Version } from '../plan.ts'
import type { Meter } from './meter.ts'
import { openSocket, type Target } from './open-socket.ts'
import { PacketCounter, type PacketListener } from './packet-counter.ts'
import { disconnect as disconnectPacket, encodeConnect, encodeSubscribe, PacketType, pingreq } from './packets.ts'

/** The broker has refused a request. */
export class Refusal extends Error {}

export type { Target } from './open-socket.ts'

/** How long an answer may take, in milliseconds. */
const answerDeadlineMs = 30_000

/**
 * All sockets of TCP read into one buffer: the bytes are counted before the next read. It holds as much as one read gives a broker in
 * Node, so that a generator never needs more reads than its broker needs writes.
 */
const sharedBuffer = Buffer.allocUnsafeSlow(262_144)

/** A connection to the broker: CONNECT and SUBSCRIBE with promises. Subclasses handle frequent packets. */
export class Client implements PacketListener {
  readonly version: Version
  protected readonly meter: Meter
  #socket: Duplex
  readonly #counter: PacketCounter
  readonly #target: Target
  readonly #localAddress: string | undefined
  #answer: Waiting | undefined
  /** Set when the end of the connection is expected. */
  #leaving = false
  #ended: string | undefined

  /** @param localAddress where the connection is to come from: an address has about 28,000 ports. */
  constructor(target: Target, version: Version, meter: Meter, localAddress?: string) {
    this.version = version
    this.meter = meter
    this.#counter = new PacketCounter(this, version)
    this.#target = target
    this.#localAddress = localAddress
    const onread: OnReadOpts = { buffer: sharedBuffer, callback: (bytes) => this.#bytes(sharedBuffer, bytes) }
    // The types know `onread` for `connect` alone; a socket that connects later takes it as well.
    this.#socket = this.#watch(new Socket({ onread } as SocketConstructorOpts).setNoDelay(true))
  }

  /** What carries MQTT. */
  protected get socket(): Duplex {
    return this.#socket
  }

  /** Whether the connection is there. */
  get open(): boolean {
    return this.#ended === undefined
  }

  /**
   * Opens the connection and sends CONNECT.
   * @param isPersistent the session outlives the connection.
   * @throws Refusal, or the error of the network.
   */
  async connect(clientId: string, isPersistent = false): Promise<void> {
    if ((this.#target.transport ?? 'tcp') === 'tcp') await this.#connectTcp(this.#socket as Socket)
    else {
      this.#socket = this.#watch(await openSocket(this.#target, this.#localAddress))
      this.#socket.on('data', (chunk: Buffer) => this.#bytes(chunk, chunk.length))
    }
    const body = await this.ask(encodeConnect(clientId, this.version, isPersistent), PacketType.CONNACK, 'CONNECT')
    const code = body[1]!
    if (code !== 0) throw new Refusal(`CONNACK ${hex(code)} to CONNECT of version ${this.version}`)
  }

  /** Subscribes to up to some thousand filters at once. @throws Refusal when one is not granted at this QoS. */
  async subscribe(filters: readonly string[], qos: Qos): Promise<void> {
    const body = await this.ask(encodeSubscribe(1, filters, qos, this.version), PacketType.SUBACK, 'SUBSCRIBE')
    for (const code of body.subarray(body.length - filters.length)) {
      if (code >= 0x80) throw new Refusal(`SUBACK ${hex(code)}`)
      if (code !== qos) throw new Refusal(`SUBACK grants QoS ${code} where QoS ${qos} was asked for`)
    }
  }

  async ping(): Promise<void> {
    await this.ask(pingreq, PacketType.PINGRESP, 'PINGREQ')
  }

  /** Sends DISCONNECT and closes. */
  leave(): void {
    this.#leaving = true
    if (this.open) this.socket.end(disconnectPacket)
  }

  /** Closes without DISCONNECT. */
  destroy(): void {
    this.#leaving = true
    this.socket.destroy()
  }

  /** Resolves when the socket is closed on both sides. */
  closed(): Promise<void> {
    return new Promise((resolve) => {
      if (this.socket.closed) resolve()
      else this.socket.once('close', () => resolve())
    })
  }

  /** Sends a packet and waits for one of a type. @returns a copy of what follows its fixed header. */
  ask(packet: Buffer, type: number, what: string): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(new Error(`${what}: ${this.#ended}`))
        return
      }
      const timer = setTimeout(() => {
        this.#answer = undefined
        reject(new Error(`no answer to ${what} within ${answerDeadlineMs / 1000} s`))
      }, answerDeadlineMs)
      this.#answer = { type, what, resolve, reject, timer }
      this.socket.write(packet)
    })
  }

  message(
    _flags: number,
    _packetId: number,
    _stream: number,
    _sequence: number,
    _sentAtMs: number,
    _payloadBytes: number,
  ): void {
    this.meter.faults.misrouted += 1
  }

  acknowledged(_type: number, _packetId: number, _reasonCode: number): void {
    this.meter.faults.wrongAcknowledgements += 1
  }

  other(type: number, body: Buffer): void {
    const answer = this.#answer
    if (type === PacketType.DISCONNECT) {
      this.#end(`the broker sent DISCONNECT ${hex(body[0] ?? 0)}`)
    } else if (answer?.type === type) {
      this.#answer = undefined
      clearTimeout(answer.timer)
      answer.resolve(Buffer.from(body))
    } else {
      this.meter.faults.wrongAcknowledgements += 1
    }
  }

  /** All of a chunk is read. */
  protected endChunk(): void {}

  #watch<S extends Duplex>(socket: S): S {
    return socket
      .on('error', (error) => this.#end(error.message))
      .on('close', () => this.#end('the broker closed the connection'))
  }

  async #connectTcp(socket: Socket): Promise<void> {
    const { host, port } = this.#target
    const from = this.#localAddress === undefined ? {} : { localAddress: this.#localAddress }
    socket.connect({ host, port, ...from })
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve).once('error', reject)
      socket.once('close', () => reject(new Error('closed before it was connected')))
    })
  }

  #bytes(buffer: Buffer, bytes: number): boolean {
    this.meter.nowMs = performance.now()
    try {
      this.#counter.feed(buffer, bytes)
    } catch (error) {
      this.#end((error as Error).message)
      this.socket.destroy()
      return false
    }
    this.endChunk()
    return true
  }

  #end(reason: string): void {
    if (this.#ended !== undefined) return
    this.#ended = reason
    const answer = this.#answer
    this.#answer = undefined
    if (answer !== undefined) {
      clearTimeout(answer.timer)
      // A broker that closes instead of answering refuses the request.
      answer.reject(new Refusal(`${reason} instead of answering ${answer.what}`))
    }
    if (!this.#leaving) this.meter.disconnected(reason)
  }
}

interface Waiting {
  readonly type: number
  readonly what: string
  readonly resolve: (body: Buffer) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

const hex = (code: number): string => `0x${code.toString(16).padStart(2, '0')}`
