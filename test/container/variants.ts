import { z } from 'zod'
import { all, defineComponent, defineSystem, kind, only } from '../../src/system/index.ts'
import { Http, http, memoryNotes, type Notes } from './notes.ts'

// Values from the environment.
const environment = z.object({ PORT: z.coerce.number().int().default(8080) }).parse(process.env)

// Groups of entries are plain objects; `as const` keeps the names for the compiler.
const storage = { notes: { component: memoryNotes } }
const web = (port: number) =>
  ({ http: { component: http, config: { port }, dependencies: { notes: 'notes' } } }) as const

export const grouped = defineSystem({ ...storage, ...web(environment.PORT) })

// A component decorated: everything of the original but what its start returns.
export const trimmedNotes = defineComponent({
  ...memoryNotes,
  start: async (config, dependencies, context): Promise<Notes> => {
    const notes = await memoryNotes.start(config, dependencies, context)
    return { get: (name) => notes.get(name), set: (name, text) => notes.set(name, text.trim()) }
  },
})
export const trimmed = defineSystem({ ...grouped, notes: { component: trimmedNotes } })

// A component that needs all components of a kind.
export const Ports = kind<readonly number[]>()('Ports')
export const ports = defineComponent({
  provides: Ports,
  needs: { servers: all(Http) },
  config: z.strictObject({}),
  start: (_config, { servers }) => servers.map(({ port }) => port),
})
export const twoServers = defineSystem({
  ...web(0),
  ...storage,
  second: { component: http, config: { port: 0 }, dependencies: { notes: 'notes' } },
  ports: { component: ports },
})

// A part of a system: `second`, and `notes`, which it depends on.
export const part = only(twoServers, 'second')
