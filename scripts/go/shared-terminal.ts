/** A terminal that the prompt shares with other code that writes there. */

import type { Writable } from 'node:stream'

export interface SharedTerminal {
  /** The terminal for the prompt. Writes to it are not reported. */
  readonly own: Writable
  /** Restores the streams. */
  release(): void
}

/** Called when other code writes. */
export interface WriteHooks {
  /** Called before each write of other code. */
  readonly before: () => void
  /** Called once after the writes of a turn of the event loop, if the last ended a line. */
  readonly after: () => void
}

/**
 * Reports writes of other code to the terminal, before they happen. Only writes through these streams are noticed, not writes
 * to a descriptor.
 * @param output the stream that the prompt is drawn on.
 * @param streams all streams that end up on that terminal.
 */
export const shareTerminal = (output: Writable, streams: readonly Writable[], hooks: WriteHooks): SharedTerminal => {
  const write = output.write.bind(output)
  const own = new Proxy(output, {
    get: (target, key) => (key === 'write' ? write : Reflect.get(target, key)),
  })
  let pending: NodeJS.Immediate | undefined
  const releases = streams.map((stream) => {
    const original = stream.write
    const watched: Writable['write'] = (...args: unknown[]) => {
      hooks.before()
      clearImmediate(pending)
      // After an incomplete line the prompt is shown when the rest has come.
      pending = String(args[0]).endsWith('\n') ? setImmediate(hooks.after) : undefined
      return Reflect.apply(original, stream, args)
    }
    stream.write = watched
    return () => {
      stream.write = original
    }
  })
  return {
    own,
    release: () => {
      clearImmediate(pending)
      for (const release of releases) release()
    },
  }
}
