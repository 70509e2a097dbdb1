/** A connection that ends when the server stops. */
export interface DrainedConnection {
  readonly open: boolean
  /** Whether something is under way that the peer or the broker would have to repeat: bytes, or an acknowledgement. */
  readonly unfinished: boolean
  /** Tells the peer that the server stops, and closes. */
  stop(reason: string): void
}

/** How often connections are asked whether they are finished, in milliseconds. */
const INTERVAL_MS = 20

/**
 * Ends connections when a server stops: at once if nothing is under way, else when it is finished, and all of them at the deadline.
 * New messages are still taken and sent meanwhile: publishers are finished first, and then those that they send to.
 * @param connections the current ones. @param deadlineMs 0 to end all at once.
 * @returns when all of them were told.
 */
export const drain = async (
  connections: Iterable<DrainedConnection>,
  reason: string,
  deadlineMs: number,
): Promise<void> => {
  const endMs = performance.now() + deadlineMs
  for (let isOver = deadlineMs === 0; ; isOver = performance.now() >= endMs) {
    let left = 0
    for (const connection of connections) {
      if (!connection.open) continue
      if (!isOver && connection.unfinished) left += 1
      else connection.stop(reason)
    }
    if (left === 0) return
    await new Promise((resolve) => setTimeout(resolve, Math.min(INTERVAL_MS, deadlineMs)))
  }
}
