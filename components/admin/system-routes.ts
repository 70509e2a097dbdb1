import { createRoute, z } from '@hono/zod-openapi'
import { type Api, type ApiParts, answers, body, named, whole } from './api.ts'
import { ApiError, checked } from './api-error.ts'
import {
  banSchema,
  checkedPlanSchema,
  componentSchema,
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
    summary:
      'Reads the config and the files that it names again, and applies what changed. Refused if connections would be closed.',
    responses: answers('What was applied. A component whose files are wrong continues with what it had.', reloadSchema),
  }),
  plan: createRoute({
    method: 'get',
    path: '/components/plan',
    summary: 'What a reload would do now, and why it would be refused. Changes nothing.',
    responses: answers('A verdict for each component, and the reasons for a refusal.', checkedPlanSchema),
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
    const { reloader } = system
    if (reloader === undefined) return context.json({ items: (await system.refresh()).map(refreshItem) }, 200)
    const { report, refreshed } = await reloaded(() => reloader.reload())
    const { plan, prepareMs, cutOverMs, finishMs } = report
    const ms = prepareMs + cutOverMs + finishMs
    return context.json({ plan: planItem(plan), ms, cutOverMs, items: refreshed.map(refreshItem) }, 200)
  })

  api.openapi(systemRoutes.plan, async (context) => {
    const { reloader } = system
    if (reloader === undefined) throw new ApiError(501, 'This program does not read its config again: restart it.')
    const plan = await reloaded(() => reloader.plan())
    return context.json({ ...planItem(plan), refusals: [...plan.refusals] }, 200)
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

type Reloader = NonNullable<ApiParts['system']['reloader']>
type Plan = Awaited<ReturnType<Reloader['reload']>>['report']['plan']

/** A config that is wrong, or whose changes are refused, is the operator's matter: the answer says what is wrong with it. */
const reloaded = async <T>(action: () => Promise<T>): Promise<T> => {
  try {
    return await action()
  } catch (error) {
    throw new ApiError(409, error instanceof Error ? error.message : String(error))
  }
}

const planItem = ({ parts, connections }: Plan) => ({
  parts: parts.map(({ reasons, ...part }) => ({ ...part, reasons: [...reasons] })),
  connections: connections.map((each) => ({ ...each })),
})

const refreshItem = ({ name, change, error }: Awaited<ReturnType<ApiParts['system']['refresh']>>[number]) => ({
  name,
  ...(change !== undefined && { change }),
  ...(error !== undefined && { error }),
})

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
