import { createRoute, z } from '@hono/zod-openapi'
import { type Api, type ApiParts, answers, body, named, whole } from './api.ts'
import { ApiError, checked } from './api-error.ts'
import {
  banSchema,
  componentSchema,
  errorSchema,
  graphSchema,
  listenerSchema,
  listQuery,
  newBanSchema,
  overviewSchema,
  pageOf,
  reloadSchema,
} from './schemas.ts'

const systemRoutes = {
  overview: createRoute({
    method: 'get',
    path: '/overview',
    summary: 'The broker at a glance.',
    responses: answers('The overview.', overviewSchema),
  }),
  components: createRoute({
    method: 'get',
    path: '/components',
    summary: 'Lists the components in the order in which they start, then those that are disabled.',
    responses: answers('All components.', pageOf(componentSchema)),
  }),
  graph: createRoute({
    method: 'get',
    path: '/graph',
    summary: 'The wiring of the components.',
    responses: answers('Nodes and edges.', graphSchema),
  }),
  reload: createRoute({
    method: 'post',
    path: '/components/reload',
    summary: 'Makes components read the files again that their config names: certificates, passwords, rules, tokens.',
    responses: answers('What changed. A component that failed continues with what it had.', reloadSchema),
  }),
  plan: createRoute({
    method: 'get',
    path: '/components/plan',
    summary: 'What a change of the config would do. Not available in this version.',
    responses: {
      501: { description: 'Not available.', content: { 'application/json': { schema: errorSchema } } },
      default: { description: 'An error.', content: { 'application/json': { schema: errorSchema } } },
    },
  }),
  listeners: createRoute({
    method: 'get',
    path: '/listeners',
    summary: 'Lists the addresses that the broker listens on.',
    responses: answers('All listeners.', pageOf(listenerSchema)),
  }),
  bans: createRoute({
    method: 'get',
    path: '/bans',
    summary: 'Lists banned addresses.',
    request: { query: listQuery },
    responses: answers('A page of bans.', pageOf(banSchema)),
  }),
  ban: createRoute({
    method: 'post',
    path: '/bans',
    summary: 'Takes no connections from an address for some time. Open connections stay open.',
    request: { body: body(newBanSchema) },
    responses: answers('The ban.', banSchema),
  }),
  unban: createRoute({
    method: 'delete',
    path: '/bans/{address}',
    summary: 'Ends the bans of an address, and forgets its failed authentications.',
    request: { params: named('address', 'The address, as `GET /bans` lists it.') },
    responses: answers('It is not banned any more.', z.object({ address: z.string() })),
  }),
}

/** The system, its components and its listeners. */
export const addSystemRoutes = (api: Api, { overview, system, listener, lists }: ApiParts): void => {
  api.openapi(systemRoutes.overview, (context) => context.json(overview.read(), 200))

  api.openapi(systemRoutes.components, (context) => context.json(whole(system.status().map(componentItem)), 200))

  api.openapi(systemRoutes.graph, (context) => {
    const unready = new Map(system.status().map((status) => [status.name, status.unready]))
    const { nodes, edges, problems } = system.graph()
    // Through JSON: what is undefined is left out, and paths are plain lists.
    const graph = { nodes: nodes.map((node) => ({ ...node, unready: unready.get(node.name) })), edges, problems }
    return context.json(graphSchema.parse(JSON.parse(JSON.stringify(graph))), 200)
  })

  api.openapi(systemRoutes.reload, async (context) => {
    const outcomes = await system.refresh()
    return context.json({ items: outcomes.map((outcome) => ({ ...outcome })) }, 200)
  })

  api.openapi(systemRoutes.plan, () => {
    throw new ApiError(501, 'A change of the config cannot be planned in this version: restart the broker to apply it.')
  })

  api.openapi(systemRoutes.listeners, (context) => {
    const days = certificateDays(system)
    const items = listener.listeners.map(({ name, transport, address, connections, accepted, refused }) => ({
      ...{ name, transport, address, connections, accepted, refused },
      tls: days.has(name),
      ...(days.has(name) && { certificateDays: days.get(name)! }),
    }))
    return context.json(whole(items), 200)
  })

  api.openapi(systemRoutes.bans, async (context) => {
    const { limit, after } = context.req.valid('query')
    const page = await lists.page(
      listener.bans(),
      {
        ...{ limit, after, sort: 'address' },
        key: ({ address }) => address,
        id: ({ byOperator }) => String(byOperator),
        matches: () => true,
        characters: () => 0,
      },
      context.req.raw.signal,
    )
    return context.json(page, 200)
  })

  api.openapi(systemRoutes.ban, (context) => {
    const { address, seconds } = context.req.valid('json')
    checked(() => listener.ban(address, seconds))
    return context.json({ address, untilMs: Date.now() + seconds * 1_000, byOperator: true }, 200)
  })

  api.openapi(systemRoutes.unban, (context) => {
    const { address } = context.req.valid('param')
    if (!checked(() => listener.unban(address))) throw new ApiError(404, 'The address is not banned.')
    return context.json({ address }, 200)
  })
}

type ComponentStatus = ReturnType<ApiParts['system']['status']>[number]

const componentItem = ({ name, kind, state, description, startMs, blockedBy, unready, error }: ComponentStatus) => ({
  ...{ name, kind, state, description, startMs, unready },
  blockedBy: [...blockedBy],
  ...(error !== undefined && { error: error instanceof Error ? error.message : String(error) }),
})

/** Days until the first certificate of each listener with TLS expires: it is a measure of the listener. */
const certificateDays = (system: ApiParts['system']): ReadonlyMap<string, number> => {
  const days = new Map<string, number>()
  for (const { component, measure } of system.measures()) {
    if (measure.name !== 'certificate_validity') continue
    days.set(component, Math.min(days.get(component) ?? Number.POSITIVE_INFINITY, measure.read()))
  }
  return days
}
