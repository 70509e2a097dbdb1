import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { z } from 'zod'
import { Transport } from '../../src/kinds/transport.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { StreamTransport } from './stream-transport.ts'

/** Connections over a Unix socket, for tests. */
export class UnixTransport extends StreamTransport {
  readonly transport = 'unix'
  readonly adoptable = true
  readonly address: string
  readonly server: Server
  readonly events: Port

  constructor(name: string, path: string, { server, events, waiting }: Handover) {
    super(name, waiting)
    this.address = path
    this.server = server
    this.events = events
    events.accepted = (socket) => this.accepted(socket)
  }

  async close(): Promise<void> {
    this.closeWaiting()
    if (!this.server.listening) return
    const closed = once(this.server, 'close')
    this.server.close()
    await closed
  }
}

interface Port {
  accepted: (socket: Socket) => void
}

interface Handover {
  readonly server: Server
  readonly events: Port
  readonly waiting: readonly Socket[]
}

export const listenAt = async (path: string): Promise<Handover> => {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
  const events: Port = { accepted: (socket) => socket.destroy() }
  server.on('connection', (socket) => events.accepted(socket))
  server.listen(path)
  await once(server, 'listening')
  return { server, events, waiting: [] }
}

/** A transport that a reset closes and opens again. */
export const unixTransport = defineComponent({
  provides: Transport,
  needs: {},
  config: z.strictObject({ path: z.string() }),
  start: async ({ path }, _dependencies, { name }) => new UnixTransport(name, path, await listenAt(path)),
  stop: (instance) => instance.close(),
})

/** A transport that a reset keeps, with the connections that came meanwhile. */
export const keptUnixTransport = defineComponent({
  ...unixTransport,
  suspend: async ({ server, events, waiting }): Promise<Handover> => ({ server, events, waiting: waiting as Socket[] }),
  resume: async ({ path }, _dependencies, suspended, { name }) => new UnixTransport(name, path, suspended as Handover),
})
