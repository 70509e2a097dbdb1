/** Statistics of a few rounds. */

export interface Spread {
  readonly median: number
  readonly lowest: number
  readonly highest: number
}

/** @throws RangeError when there is nothing to summarize. */
export const spread = (values: readonly number[]): Spread => {
  if (values.length === 0) throw new RangeError('no values')
  const sorted = values.toSorted((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)]!
  const lower = sorted[Math.floor((sorted.length - 1) / 2)]!
  return { median: (lower + upper) / 2, lowest: sorted[0]!, highest: sorted.at(-1)! }
}

/**
 * The ratios a/b of rounds that were run side by side: a disturbance affects both and not their ratio. A round in which either
 * is missing, or b is not above 0, is left out.
 */
export const pairedRatios = (a: readonly (number | undefined)[], b: readonly (number | undefined)[]): number[] =>
  a.flatMap((value, round) => {
    const other = b[round]
    return value === undefined || other === undefined || !(other > 0) || Number.isNaN(value) ? [] : [value / other]
  })

export interface Sample {
  readonly atMs: number
  readonly bytes: number
}

/** The slope of a line through samples, by least squares, in bytes per minute; 0 for fewer than two moments. */
export const slopePerMinute = (samples: readonly Sample[]): number => {
  const meanMs = mean(samples.map(({ atMs }) => atMs))
  const meanBytes = mean(samples.map(({ bytes }) => bytes))
  let above = 0
  let below = 0
  for (const { atMs, bytes } of samples) {
    above += (atMs - meanMs) * (bytes - meanBytes)
    below += (atMs - meanMs) ** 2
  }
  return below === 0 ? 0 : (above / below) * 60_000
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
