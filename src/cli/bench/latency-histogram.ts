/** Bits of a value that are kept: every value is within 1/128 of the one that is reported. */
const PRECISION_BITS = 7

/** Counts of latencies, in buckets whose width grows with the value: a fixed amount of memory, and an error below 1 %. */
export class LatencyHistogram {
  readonly #counts = new Float64Array(32 << PRECISION_BITS)
  #count = 0
  #maximumUs = 0

  get count(): number {
    return this.#count
  }

  get maximumMs(): number {
    return this.#maximumUs / 1000
  }

  /** @param ms at least 0; over an hour counts as an hour. */
  add(ms: number): void {
    const us = Math.min(3_600_000_000 >>> 1, Math.max(0, Math.round(ms * 1000)))
    this.#counts[bucketOf(us)]! += 1
    this.#count += 1
    if (us > this.#maximumUs) this.#maximumUs = us
  }

  /** @param share 0 to 1. @returns milliseconds; 0 when nothing was counted. */
  percentileMs(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.#count))
    let seen = 0
    for (let index = 0; index < this.#counts.length; index += 1) {
      seen += this.#counts[index]!
      if (seen >= rank && seen > 0) return Math.min(highestOf(index), this.#maximumUs) / 1000
    }
    return 0
  }
}

/** Values below 256 have a bucket each; larger ones share one with those that have the same first bits. */
const bucketOf = (us: number): number => {
  const shift = Math.max(0, 31 - Math.clz32(us) - PRECISION_BITS)
  return (shift << PRECISION_BITS) + (us >>> shift)
}

const highestOf = (bucket: number): number => {
  const shift = Math.max(0, (bucket >>> PRECISION_BITS) - 1)
  return (bucket - (shift << PRECISION_BITS) + 1) * 2 ** shift - 1
}
