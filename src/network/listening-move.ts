/** A listener moves to another address by a reset, and its connections go on. */

import type { Server } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import type { Logger } from '../kinds/logger.ts'
import type { Adjustment } from '../system/define-system.ts'
import { change, NO_ADJUSTMENT, refused } from './adjustments.ts'
import { type KeptListening, type ListenAddress, type Listening, listen, release } from './listening.ts'

/** A listener whose listening socket can be another one. */
export interface MovableListener {
  readonly listening: Listening
  /** Where it was told to listen. */
  readonly where: ListenAddress
  /** Takes the events of another listening socket, and reports its address from now on. The one before is not closed. */
  listenWith(listening: Listening, where: ListenAddress): void
}

export interface MoveOptions {
  readonly log: Logger
  /** Listens at an address. Default: `listen`. */
  readonly listenAt?: (where: ListenAddress) => Promise<KeptListening>
  /** Called after a move that could not be made in `commit`. @throws Error if the listener must not be there; it goes back. */
  readonly check?: () => void
}

/**
 * Prepares the move of a listener to another address. The new address is bound here, and the old one is closed in `done`. Where two sockets
 * cannot have the port at once (another host, the same port), the old one is closed in `done` first; if the new address cannot be bound
 * then, the old one is bound again, and the log says so.
 * @returns an adjustment that is refused if the address cannot be bound.
 */
export const moveListener = async (
  listener: MovableListener,
  wanted: ListenAddress,
  { log, listenAt = listen, check }: MoveOptions,
): Promise<Adjustment> => {
  const { listening, where } = listener
  const { backlog: oldBacklog, ...old } = where
  const { backlog, ...address } = wanted
  if (isDeepStrictEqual(old, address)) {
    return backlog === oldBacklog ? NO_ADJUSTMENT : changeBacklog(listener, wanted)
  }
  try {
    return moveTo(listener, await listenAt(wanted), wanted)
  } catch (error) {
    if (!isOwnAddress(error as NodeJS.ErrnoException, listening.server)) return refused(error)
    const done = () => moveLate(listener, wanted, { log, listenAt, ...(check !== undefined && { check }) })
    return { ...NO_ADJUSTMENT, done }
  }
}

const moveTo = (listener: MovableListener, kept: KeptListening, wanted: ListenAddress): Adjustment => {
  const { listening: before, where } = listener
  const { listening, waiting } = kept
  const close = (): void => {
    listening.events.to = undefined
    void release(listening.server, waiting)
  }
  return {
    commit: () => listener.listenWith(listening, wanted),
    undo: () => {
      listener.listenWith(before, where)
      close()
    },
    // Its `close` comes when the last connection that it accepted has ended.
    done: () => {
      before.server.close()
      for (const socket of waiting) listening.events.to?.accepted(socket)
    },
    discard: close,
  }
}

/** The operating system takes another backlog for a socket that listens. */
const changeBacklog = (listener: MovableListener, wanted: ListenAddress): Adjustment =>
  change(() => {
    const { listening, where } = listener
    const set = (to: ListenAddress): void => {
      const { _handle } = listening.server as unknown as ServerInternals
      const error = _handle?.listen?.(to.backlog)
      if (error) throw new Error(`The backlog could not be changed: the operating system reported ${error}.`)
      listener.listenWith(listening, to)
    }
    set(wanted)
    return () => set(where)
  })

const moveLate = async (
  listener: MovableListener,
  wanted: ListenAddress,
  { log, listenAt = listen, check }: MoveOptions,
): Promise<void> => {
  const { listening, where } = listener
  listening.server.close()
  try {
    await moveHere(listener, wanted, listenAt, check)
  } catch (error) {
    log.error(
      { err: error, where: wanted },
      'The listener could not move to its new address: it goes back to the old one',
    )
    await moveHere(listener, where, listenAt)
  }
}

const moveHere = async (
  listener: MovableListener,
  where: ListenAddress,
  listenAt: (where: ListenAddress) => Promise<KeptListening>,
  check?: () => void,
): Promise<void> => {
  const { listening, waiting } = await listenAt(where)
  listener.listenWith(listening, where)
  try {
    check?.()
  } catch (error) {
    listening.events.to = undefined
    void release(listening.server, waiting)
    throw error
  }
  for (const socket of waiting) listening.events.to?.accepted(socket)
}

/** Whether an address is taken by the socket that listens already. */
const isOwnAddress = (error: NodeJS.ErrnoException & { readonly port?: number }, server: Server): boolean => {
  const own = server.address()
  return error.code === 'EADDRINUSE' && typeof own === 'object' && own !== null && error.port === own.port
}

interface ServerInternals {
  readonly _handle: { listen?(backlog: number): number } | null
}
