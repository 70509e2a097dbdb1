/** A decoder that holds a packet that came in part. */
export interface PartialHolder {
  /** What it holds, in bytes: `PartialMemory` alone writes it. */
  partialBytes: number
  /** Drops the packet, gives its memory back and ends the connection. */
  refusePartial(): void
}

/** One class of sizes for each power of two that a packet can reach. */
const SIZE_CLASSES = 32

/**
 * The memory of packets that came in part, of all connections together. When there is too much, the largest of them is refused,
 * and among those of about one size the one that has waited longest. So a client that sends little is not affected by many that
 * hold much.
 */
export class PartialMemory {
  readonly maximumBytes: number
  /** By the logarithm of what they hold. A set has the order in which they came. */
  readonly #holders: Set<PartialHolder>[] = Array.from({ length: SIZE_CLASSES }, () => new Set())
  #bytes = 0
  #refused = 0

  constructor(maximumBytes: number) {
    this.maximumBytes = maximumBytes
  }

  /** Bytes that are held. */
  get bytes(): number {
    return this.#bytes
  }

  /** Packets that were refused because there was no room, since the start. */
  get refused(): number {
    return this.#refused
  }

  /**
   * Notes how much a holder holds, before it takes the memory. Refuses others when there is not enough, or the holder itself.
   * @param bytes 0 when it gives all back.
   */
  hold(holder: PartialHolder, bytes: number): void {
    this.#bytes += bytes - holder.partialBytes
    if (holder.partialBytes > 0) this.#holders[classOf(holder.partialBytes)]!.delete(holder)
    holder.partialBytes = bytes
    if (bytes > 0) this.#holders[classOf(bytes)]!.add(holder)
    while (this.#bytes > this.maximumBytes) {
      const largest = this.#largest()
      if (largest === undefined) return
      this.#refused += 1
      largest.refusePartial()
    }
  }

  #largest(): PartialHolder | undefined {
    for (let size = SIZE_CLASSES - 1; size >= 0; size -= 1) {
      for (const holder of this.#holders[size]!) return holder
    }
    return undefined
  }
}

const classOf = (bytes: number): number => 31 - Math.clz32(bytes)
