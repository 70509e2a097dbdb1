/** A listening socket that outlives the component that opened it: a reset hands it to the successor of the component. */

import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { z } from 'zod'

/** Takes the events of a listening socket. */
export interface ListeningUser {
  accepted(socket: Socket): void
  /** A connection was closed because there were too many. */
  dropped(address: string | undefined, port: number | undefined): void
  /** A connection could not be accepted. */
  failed(error: Error): void
}

/**
 * Asked for each event: the functions that Node has been given stay as long as the socket listens, over resets too. Sockets that
 * are accepted before there is a user wait for the first one.
 */
export interface ListeningPort {
  to: ListeningUser | undefined
}

/** A socket that listens. */
export interface Listening {
  readonly server: Server
  readonly events: ListeningPort
}

/** Where to listen: `host` and `port`, or the `path` of a Unix socket, or the number of an open file (`fd`). */
export interface ListenAddress {
  readonly host?: string | undefined
  readonly port?: number | undefined
  readonly path?: string | undefined
  readonly fd?: number | undefined
  /** Connections that may wait to be accepted. */
  readonly backlog: number
}

/** The state that a listener begins with: a listening socket, and the sockets that it accepted and did not serve. */
export interface KeptListening {
  readonly listening: Listening
  readonly waiting: readonly Socket[]
}

/**
 * Listens at an address. Accepted sockets are half open (`allowHalfOpen`) and paused: nothing is read from them.
 * @throws the operating system's error, with its code, address and port: `EADDRINUSE` when another has it.
 */
export const listen = async ({ host, port, path, fd, backlog }: ListenAddress): Promise<Listening> => {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
  if (fd !== undefined) server.listen({ fd, backlog })
  else if (path !== undefined) server.listen({ path, backlog })
  else server.listen({ host, port, backlog })
  await once(server, 'listening')
  const events = new Port(backlog)
  server.on('connection', (socket) => events.accepted(socket))
  server.on('drop', (dropped) => events.to?.dropped(dropped?.remoteAddress, dropped?.remotePort))
  server.on('error', (error) => events.to?.failed(error))
  return { server, events }
}

class Port implements ListeningPort {
  #user: ListeningUser | undefined
  /** Accepted before there was a user: Node accepts from the moment it listens, while its user may still be starting. */
  readonly #early: Socket[] = []
  readonly #maximumEarly: number

  constructor(maximumEarly: number) {
    this.#maximumEarly = maximumEarly
  }

  get to(): ListeningUser | undefined {
    return this.#user
  }

  set to(user: ListeningUser | undefined) {
    this.#user = user
    if (user !== undefined) for (const socket of this.#early.splice(0)) user.accepted(socket)
  }

  accepted(socket: Socket): void {
    if (this.#user !== undefined) {
      this.#user.accepted(socket)
      return
    }
    // Loss of the network while it waits; the user will see that it is destroyed.
    socket.on('error', () => undefined)
    // Node keeps the address from now on: the operating system forgets it when the peer resets the connection.
    void socket.remoteAddress
    if (this.#early.length < this.#maximumEarly) this.#early.push(socket)
    else socket.destroy()
  }
}

/** What a suspended listener hands to its successor: the listening socket, where it was told to listen, and waiting sockets. */
export const listeningHandover = z.object({
  host: z.string().optional(),
  port: z.number().optional(),
  path: z.string().optional(),
  fd: z.number().optional(),
  backlog: z.number(),
  server: z.custom<Server>((value) => typeof (value as Server | null)?.close === 'function'),
  events: z.custom<ListeningPort>((value) => typeof value === 'object' && value !== null && 'to' in value),
  waiting: z.array(z.custom<Socket>((value) => typeof (value as Socket | null)?.destroy === 'function')),
})

export type ListeningHandover = z.output<typeof listeningHandover>

/** Whether the listening socket that was handed over is what a config asks for, and still open. */
export const canKeep = (handedOver: ListeningHandover, wanted: ListenAddress): boolean =>
  handedOver.server.listening && ADDRESS_KEYS.every((key) => handedOver[key] === wanted[key])

const ADDRESS_KEYS = ['host', 'port', 'path', 'fd', 'backlog'] as const

/**
 * Keeps the listening socket that was handed over, with the sockets that wait there, if it is at the address that is wanted. Otherwise
 * listens at the other address. Call it when nothing else has to be waited for: sockets that arrive between this and the
 * construction of the successor go to the predecessor.
 * @param suspended what `suspend` returned, not checked yet.
 * @param signal aborted when the start has passed its deadline: the old socket may then serve another system.
 */
export const keepOrListen = async (
  suspended: unknown,
  wanted: ListenAddress,
  signal: AbortSignal,
): Promise<KeptListening> => {
  const handedOver = listeningHandover.parse(suspended)
  return canKeep(handedOver, wanted)
    ? { listening: handedOver, waiting: handedOver.waiting }
    : { listening: await listenInstead(handedOver, () => listen(wanted), signal), waiting: [] }
}

/**
 * Listens at another address and closes the socket that was handed over. The old socket is closed last, so that it still
 * listens if the other address cannot be bound. It is closed first if it uses the same port.
 * @param signal aborted when the start has passed its deadline: the old socket may then serve another system.
 * @throws what `listen` throws, and the reason of the signal; the new address is free then.
 */
export const listenInstead = async (
  { server, waiting }: ListeningHandover,
  listenAnew: () => Promise<Listening>,
  signal: AbortSignal,
): Promise<Listening> => {
  const old = server.address()
  const listening = await listenAnew().catch((error: NodeJS.ErrnoException & { readonly port?: number }) => {
    const isOwn = typeof old === 'object' ? error.port === old?.port : error.port === -1 || error.port === undefined
    if (error.code !== 'EADDRINUSE' || !isOwn) throw error
  })
  if (signal.aborted) {
    if (listening !== undefined) await abandon(listening)
    throw signal.reason
  }
  await release(server, waiting)
  return listening ?? listenAnew()
}

/** Stops listening, and closes the sockets that wait. Resolves when no socket that it accepted is open. */
export const release = async (server: Server, waiting: readonly Socket[]): Promise<void> => {
  for (const socket of waiting) socket.destroy()
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  await closed
}

/** Stops listening on a socket that never had a user, and closes what it accepted. Resolves when all of it is closed. */
export const abandon = (listening: Listening): Promise<void> => {
  const close = (socket: Socket) => void socket.destroy()
  listening.events.to = { accepted: close, dropped: () => undefined, failed: () => undefined }
  return release(listening.server, [])
}
