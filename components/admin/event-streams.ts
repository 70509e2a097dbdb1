/** Server-sent events: streams of text that the server writes to while they are open. */

/** One stream. */
interface Stream {
  readonly controller: ReadableStreamDefaultController<Uint8Array>
  readonly events: ReadonlySet<string>
  readonly close: () => void
}

export interface StreamCounters {
  opened: number
  /** Closed because too many bytes waited. */
  cutOff: number
}

export class EventStreams {
  readonly counters: StreamCounters = { opened: 0, cutOff: 0 }
  #maximumStreams: number
  #maximumBytes: number
  readonly #streams = new Set<Stream>()
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
   * @param events the names of those that it gets. @param signal closes it.
   * @returns its bytes; undefined if there are too many, or the streams have stopped.
   */
  open(events: ReadonlySet<string>, signal: AbortSignal): ReadableStream<Uint8Array> | undefined {
    if (this.#stopped || this.#streams.size >= this.#maximumStreams) return undefined
    let stream: Stream | undefined
    const close = (): void => {
      if (stream !== undefined) this.#remove(stream)
      signal.removeEventListener('abort', close)
    }
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          stream = { controller, events, close }
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

  /** Sends an event to each stream that gets those of this name. @param json one line. */
  send(event: string, json: string): void {
    const bytes = this.#encoder.encode(`event: ${event}\ndata: ${json}\n\n`)
    for (const stream of this.#streams) if (stream.events.has(event)) this.#write(stream, bytes)
  }

  /** Sends a comment to each stream, so that both sides notice a connection that is gone. */
  sendComment(): void {
    const bytes = this.#encoder.encode(':\n\n')
    for (const stream of this.#streams) this.#write(stream, bytes)
  }

  /** Ends all streams, and opens no more. */
  stop(): void {
    this.#stopped = true
    this.endAll()
  }

  /** Ends all streams. Their clients may open new ones. */
  endAll(): void {
    for (const stream of this.#streams) {
      stream.close()
      stream.controller.close()
    }
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
    if (this.#streams.delete(stream) && this.#streams.size === 0) this.#used(false)
  }
}
