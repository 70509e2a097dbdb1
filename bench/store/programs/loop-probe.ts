/**
 * Is loaded into the broker's process with `--import`, and measures how long the event loop is held. A message `begin` starts a
 * measurement, and `end` ends it and is answered. The timer has its resolution more than the hold.
 */

import { monitorEventLoopDelay } from 'node:perf_hooks'

const resolutionMs = 1

export interface LoopReport {
  /** The longest hold of the event loop, in milliseconds. */
  readonly longestMs: number
}

const histogram = monitorEventLoopDelay({ resolution: resolutionMs })
histogram.enable()
process.on('message', (message) => {
  if (message === 'begin') {
    histogram.reset()
    process.send?.('begun')
    return
  }
  const report: LoopReport = { longestMs: Math.max(0, histogram.max / 1e6 - resolutionMs) }
  process.send?.(report)
})
// The listener of messages must not keep a process that stops.
process.channel?.unref()
