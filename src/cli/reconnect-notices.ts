import type { ReconnectOptions } from '../client/index.ts'
import type { OptionValues } from './arguments.ts'
import type { CommandContext } from './command-context.ts'

const MAXIMUM_DELAY_MS = 30_000

/** How a command connects again, and what it says about it. */
export const reconnectNotices = (
  values: OptionValues,
  { stderr, reconnectMs }: CommandContext,
): ReconnectOptions | undefined => {
  if (values.has('no-reconnect')) return undefined
  const say = (text: string): void => {
    if (!values.has('quiet')) stderr.write(`${text}\n`)
  }
  return {
    minimumMs: reconnectMs,
    maximumMs: MAXIMUM_DELAY_MS,
    onRetry: (error, delayMs) => say(`${error.message} Connecting again within ${Math.ceil(delayMs / 1000)} s.`),
    onConnected: (sessionPresent) =>
      say(sessionPresent ? 'Connected again; the session was kept.' : 'Connected again; the session was lost.'),
  }
}
