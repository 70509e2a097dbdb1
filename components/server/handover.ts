import { once } from 'node:events'
import type { AddressInfo, Server, Socket } from 'node:net'
import { z } from 'zod'

/** Takes the events of a listening socket. */
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

/** The state that a server begins with: a listening socket, and the sockets that it accepted and did not serve. */
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
 * Listens at another address and closes the socket that was handed over. The old socket is closed last, so that it still
 * listens if the other address cannot be bound. It is closed first if it uses the same port.
 * @param signal aborted when the start has passed its deadline: the old socket may then serve another system.
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

/** Closes the sockets that were handed over, if they are not used. */
export const release = async (server: Server, waiting: readonly Socket[]): Promise<void> => {
  for (const socket of waiting) socket.destroy()
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  await closed
}
