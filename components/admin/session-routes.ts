import { createRoute, z } from '@hono/zod-openapi'
import { type Api, type ApiParts, answers, filled, hasPart, named, nameLength } from './api.ts'
import { ApiError } from './api-error.ts'
import { MAXIMUM_SUBSCRIPTIONS } from './client-routes.ts'
import { listQuery, pageOf, sessionDetailSchema, sessionSchema, subscriptionSchema } from './schemas.ts'

const id = named('id', 'The Client Identifier.')
const part = z.string().max(1_024).optional()

const sessionRoutes = {
  list: createRoute({
    method: 'get',
    path: '/sessions',
    summary: 'Lists sessions, with or without a connected client.',
    request: {
      query: listQuery.extend({
        q: part.openapi({ description: 'A part of the id or the user name.' }),
        connected: z
          .enum(['true', 'false'])
          .optional()
          .openapi({ description: 'Only those with or without a client.' }),
      }),
    },
    responses: answers('A page of sessions.', pageOf(sessionSchema)),
  }),
  get: createRoute({
    method: 'get',
    path: '/sessions/{id}',
    summary: 'Describes a session.',
    request: { params: id },
    responses: answers('The session.', sessionDetailSchema),
  }),
  end: createRoute({
    method: 'delete',
    path: '/sessions/{id}',
    summary: 'Ends a session permanently, and disconnects its client.',
    request: { params: id },
    responses: answers('It has ended.', z.object({ id: z.string() })),
  }),
  subscriptions: createRoute({
    method: 'get',
    path: '/subscriptions',
    summary: 'Lists subscriptions of all sessions, by client and filter.',
    request: {
      query: listQuery.extend({
        q: part.openapi({ description: 'A part of the filter or the Client Identifier.' }),
        client: z.string().max(65_535).optional().openapi({ description: 'The Client Identifier.' }),
      }),
    },
    responses: answers('A page of subscriptions.', pageOf(subscriptionSchema)),
  }),
}

const missing = (): ApiError => new ApiError(404, 'There is no session with this Client Identifier.')

/** Sessions and their subscriptions. */
export const addSessionRoutes = (api: Api, { broker, lists }: ApiParts): void => {
  api.openapi(sessionRoutes.list, async (context) => {
    const { q, connected, limit, after } = context.req.valid('query')
    const wanted = filled(q)?.toLowerCase()
    const page = await lists.page(
      broker.inspector.sessions(),
      {
        ...{ limit, after, sort: 'id' },
        key: (row) => row.id,
        id: () => '',
        characters: (row) => nameLength(row),
        matches: (row) =>
          (connected === undefined || row.connected === (connected === 'true')) &&
          (wanted === undefined || hasPart(row.id, wanted) || hasPart(row.userName, wanted)),
      },
      context.req.raw.signal,
    )
    return context.json(page, 200)
  })

  api.openapi(sessionRoutes.get, (context) => {
    const session = broker.session(context.req.valid('param').id)
    if (session === undefined) throw missing()
    return context.json({ ...session, subscriptions: session.subscriptions.slice(0, MAXIMUM_SUBSCRIPTIONS) }, 200)
  })

  api.openapi(sessionRoutes.end, (context) => {
    const { id: clientId } = context.req.valid('param')
    if (!broker.endSession(clientId)) throw missing()
    return context.json({ id: clientId }, 200)
  })

  api.openapi(sessionRoutes.subscriptions, async (context) => {
    const { q, limit, after, ...query } = context.req.valid('query')
    const client = filled(query.client)
    const wanted = filled(q)?.toLowerCase()
    const page = await lists.page(
      broker.inspector.subscriptions(),
      {
        ...{ limit, after, sort: 'subscription' },
        key: (row) => row.clientId,
        id: (row) => row.filter,
        characters: (row) => row.clientId.length + row.filter.length,
        matches: (row) =>
          (client === undefined || row.clientId === client) &&
          (wanted === undefined || hasPart(row.filter, wanted) || hasPart(row.clientId, wanted)),
      },
      context.req.raw.signal,
    )
    return context.json(page, 200)
  })
}
