import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'
import { defineComponent, defineSystem, kind } from '../../src/system/index.ts'

/** What a component offers to others, and the kind that stands for it. */
export interface Notes {
  get(name: string): string | undefined
  set(name: string, text: string): void
}
export const Notes = kind<Notes>()('Notes')

export interface Http {
  readonly port: number
}
export const Http = kind<Http>()('Http')

export const memoryNotes = defineComponent({
  provides: Notes,
  needs: {},
  config: z.strictObject({}),
  start: () => new Map<string, string>(),
})

export const http = defineComponent({
  provides: Http,
  needs: { notes: Notes },
  config: z.strictObject({ port: z.int().min(0).max(65_535).default(8080) }),
  describe: ({ port }) => `127.0.0.1:${port}`,
  start: async ({ port }, { notes }) => {
    const server = createServer((request, response) => {
      response.end(notes.get(request.url ?? '/') ?? 'There is no such note.')
    })
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return { server, port: (server.address() as AddressInfo).port }
  },
  stop: async ({ server }) => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  },
})

export const system = defineSystem({
  notes: { component: memoryNotes },
  http: { component: http, config: { port: 8080 }, dependencies: { notes: 'notes' } },
})
