import type { Duplex } from 'node:stream'
import { PacketType } from '../mqtt/packet-type.ts'
import type { ProtocolVersion } from '../mqtt/protocol-version.ts'
import { ClientError, disconnectedBy, refusedBefore5, refusedBy } from './client-error.ts'
import { encodeDisconnect, encodePingreq } from './client-packet.ts'
import { openStream } from './open-stream.ts'
import { PacketParser } from './packet-parser.ts'
import { isStreamed, type Payload } from './payload.ts'
import type { Connack, ServerPacket } from './server-packet.ts'
import { describeTarget, type Target } from './target.ts'

/** How long the last bytes may take to be sent before the connection is cut off. */
const LINGER_MS = 2_000

export interface ConnectionOptions {
  readonly target: Target
  readonly protocolVersion: ProtocolVersion
  readonly keepAliveSeconds: number
  /** From the start of the connection to CONNACK. */
  readonly connectTimeoutMs: number
  readonly maximumPacketSize?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Takes a packet. While the promise that it returns is pending, nothing more is read. */
export type TakePacket = (packet: ServerPacket) => Promise<void> | undefined

/** One network connection to a broker, from CONNECT on: what is sent, what arrives, Keep Alive, and how it ends. */
export class BrokerConnection {
  readonly connack: Connack
  /** Resolves, never rejects, with the reason for the end. */
  readonly closed: Promise<ClientError>
  readonly #stream: Duplex
  readonly #version: ProtocolVersion
  readonly #parser: PacketParser
  #resolveClosed!: (error: ClientError) => void
  #end: ClientError | undefined
  // Sending.
  /** Packets that wait until a streamed payload is sent; undefined when there is none. */
  #held: Buffer[] | undefined
  #isGathering = false
  // Keep Alive.
  #lastSentMs = performance.now()
  /** When PINGREQ was sent that is not answered; 0 is none. */
  #pingSentMs = 0
  #isTaking = false
  #keepAliveTimer: NodeJS.Timeout | undefined

  private constructor(stream: Duplex, options: ConnectionOptions, parser: PacketParser, connack: Connack) {
    this.#stream = stream
    this.#version = options.protocolVersion
    this.#parser = parser
    this.connack = connack
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    const { serverKeepAlive } = connack.properties
    const seconds = typeof serverKeepAlive === 'number' ? serverKeepAlive : options.keepAliveSeconds
    if (seconds > 0) {
      this.#keepAliveTimer = setInterval(() => this.#keepAlive(seconds * 1000), Math.max(100, (seconds * 1000) / 4))
    }
  }

  /**
   * Connects and waits for CONNACK.
   * @param connect the bytes of the CONNECT packet.
   * @throws ClientError. Nothing stays open then.
   */
  static async open(options: ConnectionOptions, connect: Buffer): Promise<BrokerConnection> {
    const abort = new AbortController()
    const where = describeTarget(options.target)
    const late = new ClientError(
      'TIMEOUT',
      `The broker at ${where} did not answer within ${options.connectTimeoutMs} ms.`,
    )
    const timer = setTimeout(() => abort.abort(late), options.connectTimeoutMs)
    const { signal } = abort
    const onStop = (): void => abort.abort(options.signal?.reason)
    options.signal?.addEventListener('abort', onStop)
    if (options.signal?.aborted) onStop()
    let stream: Duplex | undefined
    const cut = (): void => {
      stream?.destroy(signal.reason as Error)
    }
    signal.addEventListener('abort', cut)
    try {
      stream = await openStream(options.target, options.protocolVersion, signal)
      stream.on('error', () => {})
      stream.write(connect)
      const parser = new PacketParser(options.protocolVersion, options.maximumPacketSize)
      const connack = await readConnack(stream, parser)
      if (connack.reasonCode !== 0) {
        throw options.protocolVersion === 5
          ? refusedBy('connection', connack.reasonCode, connack.properties['reasonString'])
          : refusedBefore5(connack.reasonCode)
      }
      return new BrokerConnection(stream, options, parser, connack)
    } catch (error) {
      stream?.destroy()
      if (signal.aborted && signal.reason instanceof ClientError) throw signal.reason
      throw asLost(error)
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', cut)
      options.signal?.removeEventListener('abort', onStop)
    }
  }

  get open(): boolean {
    return this.#end === undefined
  }

  /** Starts to pass on what arrives. */
  receive(take: TakePacket): void {
    void this.#read(take)
  }

  /** Sends a packet, behind a payload that is being streamed. @returns a promise when the network takes no more for now. */
  send(bytes: Buffer): Promise<void> | undefined {
    if (this.#end !== undefined) return undefined
    if (this.#held !== undefined) {
      this.#held.push(bytes)
      return undefined
    }
    this.#lastSentMs = performance.now()
    this.#gather()
    return this.#stream.write(bytes) ? undefined : this.#drained()
  }

  /** The packets of one turn of the event loop are sent in one write. */
  #gather(): void {
    if (this.#isGathering) return
    this.#isGathering = true
    this.#stream.cork()
    process.nextTick(() => {
      this.#isGathering = false
      this.#stream.uncork()
    })
  }

  /**
   * Sends a PUBLISH packet. Resolves when the network has room for more.
   * @param progress gets the number of bytes of a streamed payload that were sent.
   * @throws ClientError with the code PAYLOAD when it cannot be read; the connection is cut off, as the packet is not complete.
   */
  async sendPublish(header: Buffer, payload: Payload, progress?: (bytes: number) => void): Promise<void> {
    if (!isStreamed(payload)) {
      await this.send(payload.length === 0 ? header : Buffer.concat([header, payload]))
      return
    }
    while (this.#held !== undefined) await new Promise<void>((resolve) => setImmediate(resolve))
    if (this.#end !== undefined) return
    this.#held = []
    try {
      this.#stream.write(header)
      await this.#sendChunks(payload.open(), payload.length, progress)
    } finally {
      const held = this.#held
      this.#held = undefined
      for (const bytes of held) void this.send(bytes)
    }
  }

  /**
   * Sends the last packet, and closes when all was sent.
   * @returns false if the broker stopped reading, so that the connection was cut off before.
   */
  async close(last: Buffer): Promise<boolean> {
    void this.send(last)
    this.#finish(new ClientError('ENDED', 'The client ended the connection.'))
    return this.#closeStream()
  }

  /** Cuts the connection off. */
  destroy(error: ClientError): void {
    this.#finish(error)
    this.#stream.destroy()
  }

  async #sendChunks(chunks: AsyncIterable<Buffer>, length: number, progress?: (bytes: number) => void): Promise<void> {
    let sent = 0
    try {
      for await (const chunk of chunks) {
        if (this.#end !== undefined) return
        sent += chunk.length
        if (sent > length) throw new Error('it grew while it was sent')
        this.#lastSentMs = performance.now()
        if (!this.#stream.write(chunk)) await this.#drained()
        progress?.(sent)
      }
      if (sent < length) throw new Error('it became shorter while it was sent')
    } catch (cause) {
      const error = new ClientError('PAYLOAD', `The payload cannot be read: ${(cause as Error).message}`, { cause })
      this.destroy(error)
      throw error
    }
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#stream.off('drain', done).off('close', done)
        resolve()
      }
      this.#stream.on('drain', done).on('close', done)
      if (this.#stream.destroyed) done()
    })
  }

  async #read(take: TakePacket): Promise<void> {
    try {
      // What came in the chunk of CONNACK is first.
      await this.#takeAll(take)
      for await (const chunk of this.#stream.iterator({ destroyOnReturn: false })) {
        this.#parser.push(chunk as Buffer)
        await this.#takeAll(take)
      }
      this.#finish(new ClientError('LOST', 'The broker closed the connection.'))
    } catch (error) {
      const reason = asLost(error)
      if (reason.code === 'PROTOCOL' && this.#version === 5)
        void this.send(encodeDisconnect(5, reason.reasonCode ?? 0x82))
      this.#finish(reason)
    }
    await this.#closeStream()
  }

  /** Sends what was written, then waits a short time for the broker to close. */
  async #closeStream(): Promise<boolean> {
    const stream = this.#stream
    let rest = stream.writableLength
    const watch = setInterval(() => {
      // The broker does not read any more, or does not close.
      if (stream.writableFinished || stream.writableLength === rest) stream.destroy()
      rest = stream.writableLength
    }, LINGER_MS)
    await new Promise<void>((resolve) => {
      if (stream.closed) resolve()
      stream.once('close', resolve).once('end', () => stream.end(() => stream.destroy()))
      stream.end()
      stream.resume()
    })
    clearInterval(watch)
    return stream.writableFinished
  }

  async #takeAll(take: TakePacket): Promise<void> {
    this.#isTaking = true
    for (let packet = this.#parser.next(); packet !== undefined && this.open; packet = this.#parser.next()) {
      if (packet.type === PacketType.Pingresp) this.#pingSentMs = 0
      else if (packet.type === PacketType.Disconnect)
        throw disconnectedBy(packet.reasonCode, packet.properties['reasonString'])
      else {
        const taken = take(packet)
        if (taken !== undefined) await taken
      }
    }
    this.#isTaking = false
  }

  #keepAlive(keepAliveMs: number): void {
    const now = performance.now()
    // While nothing is read, an answer cannot be seen.
    if (this.#pingSentMs > 0 && !this.#isTaking && now - this.#pingSentMs >= keepAliveMs) {
      this.destroy(new ClientError('LOST', 'The broker did not answer PINGREQ within the Keep Alive time.'))
      return
    }
    if (now - this.#lastSentMs < keepAliveMs / 2) return
    void this.send(encodePingreq())
    if (this.#pingSentMs === 0) this.#pingSentMs = now
  }

  #finish(error: ClientError): void {
    clearInterval(this.#keepAliveTimer)
    if (this.#end !== undefined) return
    this.#end = error
    this.#resolveClosed(error)
  }
}

/** Reads up to CONNACK. Bytes behind it stay in the parser. */
const readConnack = (stream: Duplex, parser: PacketParser): Promise<Connack> =>
  new Promise((resolve, reject) => {
    const finish = (): void => {
      stream.off('readable', onReadable).off('close', onEnd).off('end', onEnd).off('error', onError)
    }
    const onError = (error: unknown): void => {
      finish()
      reject(error)
    }
    const onEnd = (): void => onError(new ClientError('LOST', 'The broker closed the connection before CONNACK.'))
    const onReadable = (): void => {
      try {
        for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) parser.push(chunk as Buffer)
        const packet = parser.next()
        if (packet === undefined) return
        finish()
        // The parser refuses any other packet that is first.
        resolve(packet as Connack)
      } catch (error) {
        onError(error)
      }
    }
    stream.on('readable', onReadable).on('close', onEnd).on('end', onEnd).on('error', onError)
  })

const asLost = (error: unknown): ClientError => {
  if (error instanceof ClientError) return error
  const { code, message } = error as NodeJS.ErrnoException
  return new ClientError('LOST', `The connection was lost: ${code === 'ECONNRESET' ? 'it was reset' : message}.`, {
    cause: error,
  })
}
