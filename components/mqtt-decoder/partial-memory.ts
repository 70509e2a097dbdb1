/** A decoder that holds a packet that came in part. */
export interface PartialHolder {
  /** Drops the packet, gives its memory back and ends the connection. */
  refusePartial(): void
}

/** What one connection holds. It outlives its holder when a reset replaces the decoder of the connection. */
export interface PartialShare {
  holder: PartialHolder
  /** In bytes: `PartialMemory` alone writes it. */
  bytes: number
}

/** Everything that is held. A reset passes it on to the next decoder as it is. */
export interface PartialState {
  /** By the logarithm of what they hold. A set has the order in which they came. */
  readonly bySize: readonly Set<PartialShare>[]
  /** Bytes of all of them. */
  bytes: number
  /** Packets that were refused because there was no room, since the start. */
  refused: number
}

/** One class of sizes for each power of two that a packet can reach. */
const SIZE_CLASSES = 32

/**
 * The memory of packets that came in part, of all connections together. When there is too much, the largest of them is refused,
 * and among those of about one size the one that has waited longest. So a client that sends little is not affected by many that
 * hold much.
 */
export class PartialMemory {
  /** A lower limit has an effect when memory is taken the next time. */
  maximumBytes: number
  #state: PartialState = { bySize: Array.from({ length: SIZE_CLASSES }, () => new Set()), bytes: 0, refused: 0 }

  constructor(maximumBytes: number) {
    this.maximumBytes = maximumBytes
  }

  /** Bytes that are held. */
  get bytes(): number {
    return this.#state.bytes
  }

  /** Packets that were refused because there was no room, since the start. */
  get refused(): number {
    return this.#state.refused
  }

  /** What is held, for the decoder that continues. */
  handOver(): PartialState {
    return this.#state
  }

  /** Continues with what the former decoder holds. */
  continueWith(state: PartialState): void {
    this.#state = state
  }

  /**
   * Notes how much a connection holds, before it takes the memory. Refuses others when there is not enough, or the connection itself.
   * @param bytes 0 when it gives all back.
   */
  hold(share: PartialShare, bytes: number): void {
    const { bySize } = this.#state
    this.#state.bytes += bytes - share.bytes
    if (share.bytes > 0) bySize[classOf(share.bytes)]!.delete(share)
    share.bytes = bytes
    if (bytes > 0) bySize[classOf(bytes)]!.add(share)
    while (this.#state.bytes > this.maximumBytes) {
      const largest = this.#largest()
      if (largest === undefined) return
      this.#state.refused += 1
      largest.holder.refusePartial()
    }
  }

  #largest(): PartialShare | undefined {
    const { bySize } = this.#state
    for (let size = SIZE_CLASSES - 1; size >= 0; size -= 1) {
      for (const share of bySize[size]!) return share
    }
    return undefined
  }
}

const classOf = (bytes: number): number => 31 - Math.clz32(bytes)
