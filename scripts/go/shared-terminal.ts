/** A terminal that the prompt shares with everything else that writes there. */

import type { Writable } from 'node:stream'

export interface SharedTerminal {
  /** The terminal, for the prompt alone: what is written to it is not told to anybody. */
  readonly own: Writable
  /** Gives the streams back to the others as they were. */
  release(): void
}

/** What to do when others write. */
export interface WriteHooks {
  /** Called before each write of others. */
  readonly before: () => void
  /** Called once after the writes of a turn of the event loop, the last of which ended a line. */
  readonly after: () => void
}

/**
 * Has others tell before they write to the terminal. Only writes through these streams are noticed, none to a descriptor.
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
      // Half a line is left alone until the rest of it follows.
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
