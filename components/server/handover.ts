import { once } from 'node:events'
import type { Server, Socket } from 'node:net'
import { z } from 'zod'

/** What a suspended server hands to its successor: the listening socket, and what its config had asked for. */
export const handover = z.object({
  host: z.string(),
  port: z.number(),
  backlog: z.number(),
  server: z.custom<Server>((value) => typeof (value as Server | null)?.close === 'function'),
  waiting: z.array(z.custom<Socket>((value) => typeof (value as Socket | null)?.destroy === 'function')),
})

export type Handover = z.output<typeof handover>

/** Closes what was handed over when it is of no use. */
export const release = async (server: Server, waiting: readonly Socket[]): Promise<void> => {
  const closed = once(server, 'close')
  server.close()
  for (const socket of waiting) socket.destroy()
  await closed
}
