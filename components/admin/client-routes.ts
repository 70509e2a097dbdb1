import { createRoute, z } from '@hono/zod-openapi'
import type { ClientInfo } from '../../src/kinds/broker.ts'
import type { ClientRow } from '../../src/kinds/broker-inspector.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { type Api, type ApiParts, answers, body, filled, hasPart, named, nameLength } from './api.ts'
import { ApiError, checked } from './api-error.ts'
import { banSchema, banSecondsSchema, clientDetailSchema, clientSchema, listQuery, pageOf } from './schemas.ts'

/** Subscriptions of a client that are in one answer. */
export const MAXIMUM_SUBSCRIPTIONS = 1_000

const SORTS = [
  'id',
  'userName',
  'address',
  'listener',
  'transport',
  'protocolVersion',
  'connectedAtMs',
  'keepAliveSeconds',
  'pendingBytes',
  'bytesReceived',
  'subscriptions',
  'inflight',
  'waiting',
] as const

const query = listQuery.extend({
  q: z.string().max(1_024).optional().openapi({ description: 'A part of the id, the user name or the address.' }),
  user: z.string().max(1_024).optional().openapi({ description: 'The user name.' }),
  address: z.string().max(64).optional().openapi({ description: 'The address.' }),
  sort: z.enum(SORTS).default('id'),
  order: z.enum(['asc', 'desc']).default('asc'),
})

const id = named('id', 'The Client Identifier.')

/** Reason Codes that a server may send in DISCONNECT (section 3.14.2.1), other than those that need a property. */
const REASONS: ReadonlySet<number> = new Set<number>([
  ReasonCode.UnspecifiedError,
  ReasonCode.ImplementationSpecificError,
  ReasonCode.NotAuthorized,
  ReasonCode.ServerBusy,
  ReasonCode.ServerShuttingDown,
  ReasonCode.MessageRateTooHigh,
  ReasonCode.QuotaExceeded,
  ReasonCode.AdministrativeAction,
  ReasonCode.UseAnotherServer,
  ReasonCode.ServerMoved,
  ReasonCode.ConnectionRateExceeded,
  ReasonCode.MaximumConnectTime,
])

const clientRoutes = {
  list: createRoute({
    method: 'get',
    path: '/clients',
    summary: 'Lists connected clients.',
    request: { query },
    responses: answers('A page of clients.', pageOf(clientSchema)),
  }),
  get: createRoute({
    method: 'get',
    path: '/clients/{id}',
    summary: 'Describes a connected client.',
    request: { params: id },
    responses: answers('The client and its session.', clientDetailSchema),
  }),
  disconnect: createRoute({
    method: 'delete',
    path: '/clients/{id}',
    summary: 'Disconnects a client. Its session continues, and its Will is published.',
    request: {
      params: id,
      query: z.object({
        reason: z.coerce
          .number()
          .refine((code) => REASONS.has(code), 'is no Reason Code that a server may send in DISCONNECT')
          .default(ReasonCode.AdministrativeAction)
          .openapi({
            description: 'The Reason Code for MQTT 5 clients, 152 (Administrative action) unless told otherwise.',
          }),
      }),
    },
    responses: answers('It was disconnected.', z.object({ id: z.string() })),
  }),
  ban: createRoute({
    method: 'post',
    path: '/clients/{id}/ban',
    summary: 'Bans the address of a client, and disconnects the client. Other clients of the address stay connected.',
    request: { params: id, body: body(banSecondsSchema) },
    responses: answers('The ban.', banSchema),
  }),
}

/** Connected clients. */
export const addClientRoutes = (api: Api, { broker, listener, lists }: ApiParts): void => {
  api.openapi(clientRoutes.list, async (context) => {
    const { sort, order, ...page } = context.req.valid('query')
    const [part, user, address] = [filled(page.q)?.toLowerCase(), filled(page.user), filled(page.address)]
    const found = await lists.page(
      broker.inspector.clients(),
      {
        ...{ limit: page.limit, after: page.after, sort, descending: order === 'desc' },
        key: (row) => clientItem(row)[sort] ?? '',
        id: (row) => row.id,
        characters: (row) => nameLength(row),
        matches: (row) =>
          (user === undefined || row.userName === user) &&
          (address === undefined || row.peer.address === address) &&
          (part === undefined ||
            hasPart(row.id, part) ||
            hasPart(row.userName, part) ||
            hasPart(row.peer.address, part)),
      },
      context.req.raw.signal,
    )
    return context.json({ ...found, items: found.items.map(clientItem) }, 200)
  })

  const find = (clientId: string): ClientInfo => {
    const client = broker.client(clientId)
    if (client === undefined) throw new ApiError(404, 'No client with this identifier is connected.')
    return client
  }

  api.openapi(clientRoutes.get, (context) => {
    const { session, ...client } = find(context.req.valid('param').id)
    const { expiryIntervalSeconds, inflight, waiting, hasWill } = session
    const subscriptions = session.subscriptions.slice(0, MAXIMUM_SUBSCRIPTIONS)
    const item = clientItem({ ...client, session: { ...session, subscriptions: session.subscriptions.length } })
    return context.json({ ...item, session: { subscriptions, expiryIntervalSeconds, inflight, waiting, hasWill } }, 200)
  })

  api.openapi(clientRoutes.disconnect, (context) => {
    const { id: clientId } = context.req.valid('param')
    find(clientId)
    broker.disconnect(clientId, context.req.valid('query').reason as ReasonCode)
    return context.json({ id: clientId }, 200)
  })

  api.openapi(clientRoutes.ban, (context) => {
    const { id: clientId } = context.req.valid('param')
    const { seconds } = context.req.valid('json')
    const { address } = find(clientId).peer
    if (address === '') throw new ApiError(409, 'The client has no address, as on a Unix socket: it cannot be banned.')
    checked(() => listener.ban(address, seconds))
    broker.disconnect(clientId)
    return context.json({ address, untilMs: Date.now() + seconds * 1_000, byOperator: true }, 200)
  })
}

const clientItem = ({ peer, session, ...client }: ClientRow) => ({
  id: client.id,
  userName: client.userName,
  address: peer.address,
  port: peer.port,
  listener: peer.listener,
  transport: peer.transport,
  protocolVersion: client.protocolVersion,
  connectedAtMs: client.connectedAtMs,
  keepAliveSeconds: client.keepAliveSeconds,
  pendingBytes: client.pendingBytes,
  bytesReceived: client.bytesReceived,
  subscriptions: session.subscriptions,
  inflight: session.inflight,
  waiting: session.waiting,
})
