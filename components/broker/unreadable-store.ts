import type { Logger } from '../../src/kinds/logger.ts'
import type { Recipient } from '../../src/kinds/recipient.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'

/** A failure is logged once in this time: each client that connects again may cause another one. */
const SILENCE_MS = 60_000

/** Units of work of a read that fails: the error is made, and the file is asked. */
export const FAILED_READ_UNITS = 150

/** The messages of a session could not be read from the store. They are still there, and can be read later. */
export class UnreadableStore extends Error {
  constructor(session: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(`The messages of ${session} cannot be read from the store at present: ${reason}`, { cause })
  }
}

/** Does something that may read the store. @returns false if the store cannot be read at present. */
export const couldRead = (action: () => void): boolean => {
  try {
    action()
    return true
  } catch (error) {
    if (error instanceof UnreadableStore) return false
    throw error
  }
}

/**
 * Messages for a connected client could not be read: its connection ends, and its session stays as it is. The client gets its
 * messages over the next connection. DISCONNECT has no Server unavailable (0x88); Server busy says that the server cannot
 * continue with this client (section 3.14.2.1).
 * @throws any other error.
 */
export const disconnectUnread = (client: Recipient, error: unknown): void => {
  if (!(error instanceof UnreadableStore)) throw error
  client.disconnect(ReasonCode.ServerBusy, 'its messages cannot be read from the store at present')
}

/** Logs that messages could not be read. */
export class ReadFailures {
  readonly #log: Logger
  #loggedMs = Number.NEGATIVE_INFINITY

  constructor(log: Logger) {
    this.#log = log
  }

  note(session: string, error: unknown, nowMs: number): void {
    if (nowMs - this.#loggedMs < SILENCE_MS) return
    this.#loggedMs = nowMs
    this.#log.error(
      { err: error, session },
      `Messages of ${session} could not be read from the store: clients that need them are disconnected or refused until ` +
        'they can be read. Further failures of the next minute are not logged',
    )
  }
}
