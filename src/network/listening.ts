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

/** Asked for each event: the functions that Node has been given stay as long as the socket listens, over resets too. */
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

/** Sockets that wait while nothing takes the events of a listening socket. Further ones are closed. */
const MAXIMUM_EARLY = 10_000

/** The state that a listener begins with: a listening socket, and the sockets that it accepted and did not serve, which may become more. */
export interface KeptListening {
  readonly listening: Listening
  readonly waiting: readonly Socket[]
}

/**
 * Listens at an address. Accepted sockets are half open (`allowHalfOpen`) and paused: nothing is read from them. They wait until
 * `events.to` is set.
 * @throws the operating system's error, with its code, address and port: `EADDRINUSE` when another has it.
 */
export const listen = async ({ host, port, path, fd, backlog }: ListenAddress): Promise<KeptListening> => {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
  if (fd !== undefined) server.listen({ fd, backlog })
  else if (path !== undefined) server.listen({ path, backlog })
  else server.listen({ host, port, backlog })
  await once(server, 'listening')
  const waiting: Socket[] = []
  const events: ListeningPort = { to: keepIn(waiting) }
  server.on('connection', (socket) => events.to?.accepted(socket))
  server.on('drop', (dropped) => events.to?.dropped(dropped?.remoteAddress, dropped?.remotePort))
  server.on('error', (error) => events.to?.failed(error))
  return { listening: { server, events }, waiting }
}

/** Clients may connect before the component that listens has started. */
const keepIn = (waiting: Socket[]): ListeningUser => ({
  accepted: (socket) => {
    socket.on('error', () => undefined)
    if (waiting.length < MAXIMUM_EARLY) waiting.push(socket)
    else socket.destroy()
  },
  dropped: () => undefined,
  failed: () => undefined,
})

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
    : listenInstead(handedOver, () => listen(wanted), signal)
}

/**
 * Listens at another address and closes the socket that was handed over. The old socket is closed last, so that it still
 * listens if the other address cannot be bound. It is closed first if it uses the same port.
 * @param signal aborted when the start has passed its deadline: the old socket may then serve another system.
 * @throws what `listen` throws, and the reason of the signal; the new address is free then.
 */
export const listenInstead = async (
  { server, waiting }: ListeningHandover,
  listenAnew: () => Promise<KeptListening>,
  signal: AbortSignal,
): Promise<KeptListening> => {
  const old = server.address()
  const kept = await listenAnew().catch((error: NodeJS.ErrnoException & { readonly port?: number }) => {
    const isOwn = typeof old === 'object' ? error.port === old?.port : error.port === -1 || error.port === undefined
    if (error.code !== 'EADDRINUSE' || !isOwn) throw error
  })
  if (signal.aborted) {
    if (kept !== undefined) await release(kept.listening.server, kept.waiting)
    throw signal.reason
  }
  await release(server, waiting)
  return kept ?? listenAnew()
}

/** Stops listening, and closes the sockets that wait. Resolves when no socket that it accepted is open. */
export const release = async (server: Server, waiting: readonly Socket[]): Promise<void> => {
  for (const socket of waiting) socket.destroy()
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  await closed
}
