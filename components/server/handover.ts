import { once } from 'node:events'
import type { AddressInfo, Server, Socket } from 'node:net'
import { z } from 'zod'

/** Who takes the events of a listening socket. */
export interface ServerUser {
  accepted(socket: Socket): void
  /** A connection was closed because there were too many. */
  dropped(address: string | undefined, port: number | undefined): void
  /** A connection could not be accepted. */
  failed(error: Error): void
}

/** Asked for each event: the functions that Node has been given stay as long as the socket listens, over resets too. */
export interface ServerPort {
  to: ServerUser | undefined
}

/** A socket that listens. */
export interface Listening {
  readonly server: Server
  readonly events: ServerPort
}

/** What a server begins with: a socket that listens, and the sockets that were accepted there and not served. */
export interface Kept {
  readonly listening: Listening
  readonly waiting: readonly Socket[]
}

/** What a suspended server hands to its successor: the listening socket, and what its config had asked for. */
export const handover = z.object({
  host: z.string(),
  port: z.number(),
  backlog: z.number(),
  server: z.custom<Server>((value) => typeof (value as Server | null)?.close === 'function'),
  events: z.custom<ServerPort>((value) => typeof value === 'object' && value !== null && 'to' in value),
  waiting: z.array(z.custom<Socket>((value) => typeof (value as Socket | null)?.destroy === 'function')),
})

export type Handover = z.output<typeof handover>

/** The part of the config that a listening socket depends on. */
type Address = Pick<Handover, 'host' | 'port' | 'backlog'>

/** Whether the listening socket that was handed over is what a config asks for, and still open. */
export const canKeep = (handedOver: Handover, { host, port, backlog }: Address): boolean =>
  handedOver.server.listening && handedOver.host === host && handedOver.port === port && handedOver.backlog === backlog

/**
 * Listens at another address and closes the socket that was handed over. That one is closed last, so that it is still there
 * when the other address cannot be bound; it is closed first when it is what holds the port.
 * @param signal aborted when the caller is not waited for any more: by then the old socket may serve another system.
 * @throws what `listen` throws, and the reason of the signal; the new address is free then.
 */
export const listenInstead = async (
  { server, waiting }: Handover,
  listen: () => Promise<Listening>,
  signal: AbortSignal,
): Promise<Listening> => {
  const oldPort = (server.address() as AddressInfo | null)?.port
  const listening = await listen().catch((error: NodeJS.ErrnoException & { readonly port?: number }) => {
    if (error.code !== 'EADDRINUSE' || error.port !== oldPort) throw error
  })
  if (signal.aborted) {
    if (listening !== undefined) await release(listening.server, [])
    throw signal.reason
  }
  await release(server, waiting)
  return listening ?? listen()
}

/** Closes what was handed over when it is of no use. */
export const release = async (server: Server, waiting: readonly Socket[]): Promise<void> => {
  for (const socket of waiting) socket.destroy()
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  await closed
}
