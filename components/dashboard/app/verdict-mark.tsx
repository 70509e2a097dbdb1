import type { Verdict } from './contract.ts'

/** A shape for each verdict, in a square of 12 by 12. */
const SHAPES: Readonly<Record<Verdict, string>> = {
  keep: 'M3 6a3 3 0 1 0 6 0a3 3 0 1 0-6 0z',
  adjust: 'M1 7.5C2.5 3.5 4.5 4 6 6s3.5 2.5 5-1.5',
  swap: 'M1.5 4h9M8 1.5 10.5 4M10.5 8h-9M4 10.5 1.5 8',
  restart: 'M9.2 3A4.4 4.4 0 1 0 10.4 6M9.8.6V3.4H7',
  start: 'M6 1.5v9M1.5 6h9',
  stop: 'M1.5 6h9',
}

/** The mark of a verdict in an SVG. The word stands beside it. */
export const VerdictShape = ({ verdict, x, y }: { verdict: Verdict; x: number; y: number }) => (
  <path class={`verdict-shape verdict-${verdict}`} d={SHAPES[verdict]} transform={`translate(${x} ${y})`} />
)

/** A verdict in a text: its mark and its word. */
export const VerdictBadge = ({ verdict }: { verdict: Verdict }) => (
  <span class={`verdict verdict-${verdict}`}>
    <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
      <path class="verdict-shape" d={SHAPES[verdict]} />
    </svg>
    {verdict}
  </span>
)
