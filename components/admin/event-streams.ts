/** Server-sent events: streams of text that the server writes to while they are open. */

import type { KnownToken } from './tokens.ts'

/** Why no stream was opened: its token has its share already, or no stream is free for it. */
export type StreamRefusal = 'share' | 'full'

/** One stream. */
interface Stream {
  /** The name of the token that opened it. */
  readonly token: string
  readonly controller: ReadableStreamDefaultController<Uint8Array>
  readonly events: ReadonlySet<string>
  readonly close: () => void
}

interface Gathered {
  /** Undefined is for all streams. */
  readonly event: string | undefined
  readonly text: string
}

export interface StreamCounters {
  opened: number
  /** Not opened. */
  readonly refused: Record<StreamRefusal, number>
  /** Closed because too many bytes waited. */
  cutOff: number
}

/**
 * The least time between two pieces, in milliseconds. A piece is a write to the socket of each stream, and a trace may have lines in each
 * turn of the event loop.
 */
const INTERVAL_MS = 100
/**
 * With so many characters a piece is sent at once: at most 48 KiB. A stream may have as little as 64 KiB for what waits
 * (`maximumStreamBytes`).
 */
const MAXIMUM_GATHERED = 16 * 1024

export class EventStreams {
  readonly counters: StreamCounters = { opened: 0, refused: { share: 0, full: 0 }, cutOff: 0 }
  #maximumStreams: number
  #maximumBytes: number
  readonly #streams = new Set<Stream>()
  /** What is sent in the next piece. */
  #gathered: Gathered[] = []
  #gatheredLength = 0
  /** The piece is sent at the end of this turn. */
  #endOfTurn: NodeJS.Immediate | undefined
  /** A piece was sent less than `INTERVAL_MS` ago. */
  #pause: NodeJS.Timeout | undefined
  #stopped = false
  readonly #encoder = new TextEncoder()
  /** Called when the first stream opens and when the last one has closed. */
  readonly #used: (isUsed: boolean) => void

  constructor(maximumStreams: number, maximumBytes: number, used: (isUsed: boolean) => void) {
    this.#maximumStreams = maximumStreams
    this.#maximumBytes = maximumBytes
    this.#used = used
  }

  /** Sets other bounds, for streams that are opened from then on. @returns takes it back. */
  adjust(maximumStreams: number, maximumBytes: number): () => void {
    const before = [this.#maximumStreams, this.#maximumBytes] as const
    this.#maximumStreams = maximumStreams
    this.#maximumBytes = maximumBytes
    return () => void this.adjust(...before)
  }

  get count(): number {
    return this.#streams.size
  }

  /**
   * Opens a stream.
   * @param token who opens it. @param events the names of those that it gets. @param signal closes it.
   * @returns its bytes; `share` if the token has as many as one may have; `full` if none is free for it, or the streams have stopped.
   */
  open(
    token: KnownToken,
    events: ReadonlySet<string>,
    signal: AbortSignal,
  ): ReadableStream<Uint8Array> | StreamRefusal {
    const refusal = this.#stopped ? 'full' : this.#refusal(token)
    if (refusal !== undefined) {
      this.counters.refused[refusal] += 1
      return refusal
    }
    let stream: Stream | undefined
    const close = (): void => {
      if (stream !== undefined) this.#remove(stream)
      signal.removeEventListener('abort', close)
    }
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          stream = { token: token.name, controller, events, close }
          this.#streams.add(stream)
          this.counters.opened += 1
          if (this.#streams.size === 1) this.#used(true)
          signal.addEventListener('abort', close)
          // The client learns at once that the stream is open.
          controller.enqueue(this.#encoder.encode(': open\n\n'))
          if (signal.aborted) close()
        },
        cancel: close,
      },
      new ByteLengthQueuingStrategy({ highWaterMark: this.#maximumBytes }),
    )
  }

  /** Whether a stream gets events of this name. */
  wants(event: string): boolean {
    for (const { events } of this.#streams) if (events.has(event)) return true
    return false
  }

  /**
   * Sends an event to each stream that gets those of this name: at the end of the turn, or with others up to a tenth of a second after
   * the piece before. @param json one line.
   */
  send(event: string, json: string): void {
    this.#gather({ event, text: `event: ${event}\ndata: ${json}\n\n` })
  }

  /** Sends a comment to each stream, so that both sides notice a connection that is gone. */
  sendComment(): void {
    this.#gather({ event: undefined, text: ':\n\n' })
  }

  /** Ends all streams, and opens no more. */
  stop(): void {
    this.#stopped = true
    this.endAll()
  }

  /** Ends all streams. Their clients may open new ones. */
  endAll(): void {
    this.#flush()
    for (const stream of this.#streams) {
      stream.close()
      stream.controller.close()
    }
  }

  /**
   * One token has half of the streams at most. The last quarter is for the first stream of each token that may change something, so that
   * those that may only read cannot keep an operator out.
   */
  #refusal({ name, readOnly }: KnownToken): StreamRefusal | undefined {
    const maximum = this.#maximumStreams
    let own = 0
    for (const { token } of this.#streams) if (token === name) own += 1
    if (own >= Math.floor(maximum / 2)) return 'share'
    const kept = readOnly || own > 0 ? Math.ceil(maximum / 4) : 0
    return this.#streams.size >= maximum - kept ? 'full' : undefined
  }

  #gather(gathered: Gathered): void {
    if (this.#streams.size === 0) return
    this.#gathered.push(gathered)
    this.#gatheredLength += gathered.text.length
    if (this.#pause === undefined || this.#gatheredLength >= MAXIMUM_GATHERED) {
      this.#endOfTurn ??= setImmediate(this.#flush)
    }
  }

  readonly #flush = (): void => {
    this.#endWaiting()
    const gathered = this.#gathered
    this.#gathered = []
    this.#gatheredLength = 0
    if (gathered.length === 0) return
    this.#pause = setTimeout(this.#flush, INTERVAL_MS)
    for (const stream of this.#streams) {
      let all = ''
      for (const { event, text } of gathered) if (event === undefined || stream.events.has(event)) all += text
      if (all !== '') this.#write(stream, this.#encoder.encode(all))
    }
  }

  #endWaiting(): void {
    clearImmediate(this.#endOfTurn)
    this.#endOfTurn = undefined
    clearTimeout(this.#pause)
    this.#pause = undefined
  }

  #write(stream: Stream, bytes: Uint8Array): void {
    if ((stream.controller.desiredSize ?? 0) >= bytes.length) {
      stream.controller.enqueue(bytes)
      return
    }
    this.counters.cutOff += 1
    stream.close()
    stream.controller.close()
  }

  #remove(stream: Stream): void {
    if (!this.#streams.delete(stream) || this.#streams.size > 0) return
    this.#endWaiting()
    this.#gathered = []
    this.#gatheredLength = 0
    this.#used(false)
  }
}
