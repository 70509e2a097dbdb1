import { createRoute, z } from '@hono/zod-openapi'
import type { Trace, TraceLine, TraceOptions, Tracer } from '../../src/kinds/tracer.ts'
import { type Api, type ApiParts, answers, body, named, whole } from './api.ts'
import { ApiError, checked } from './api-error.ts'
import { listQuery, newTraceSchema, pageOf, traceLineSchema, traceSchema } from './schemas.ts'

const id = named('id', 'The id of the trace.')

const traceRoutes = {
  list: createRoute({
    method: 'get',
    path: '/traces',
    summary: 'Lists traces that run, and those that ended and are kept.',
    responses: answers('All traces.', pageOf(traceSchema)),
  }),
  start: createRoute({
    method: 'post',
    path: '/traces',
    summary: 'Follows the packets of a client, a user, an address or a topic.',
    request: { body: body(newTraceSchema) },
    responses: answers('The trace.', traceSchema),
  }),
  remove: createRoute({
    method: 'delete',
    path: '/traces/{id}',
    summary: 'Ends a trace and forgets its lines.',
    request: { params: id },
    responses: answers('It is gone.', z.object({ id: z.string() })),
  }),
  lines: createRoute({
    method: 'get',
    path: '/traces/{id}/lines',
    summary: 'The lines of a trace, the oldest first.',
    request: {
      params: id,
      query: listQuery.extend({
        after: z.coerce
          .number()
          .int()
          .min(0)
          .default(0)
          .openapi({ description: 'The `number` of the last line that is known.' }),
      }),
    },
    responses: answers('Lines.', pageOf(traceLineSchema)),
  }),
}

/** Traces, if there is a component for them. */
export const addTraceRoutes = (api: Api, { tracer }: ApiParts): void => {
  const own = (): Tracer => {
    if (tracer === undefined)
      throw new ApiError(404, 'There is no trace component. Enable tracer and trace in the config.')
    return tracer
  }
  const find = (name: string): Trace => {
    const trace = own().find(name)
    if (trace === undefined) throw new ApiError(404, 'There is no trace with this id.')
    return trace
  }

  api.openapi(traceRoutes.list, (context) => context.json(whole(own().traces().map(traceItem)), 200))

  api.openapi(traceRoutes.start, (context) => {
    const options: TraceOptions = context.req.valid('json')
    return context.json(traceItem(checked(() => own().start(options))), 200)
  })

  api.openapi(traceRoutes.remove, (context) => {
    const { id: name } = context.req.valid('param')
    if (!own().delete(name)) throw new ApiError(404, 'There is no trace with this id.')
    return context.json({ id: name }, 200)
  })

  api.openapi(traceRoutes.lines, (context) => {
    const { limit, after } = context.req.valid('query')
    const trace = find(context.req.valid('param').id)
    const items = trace.lines(after, limit).map(traceLineItem)
    const reached = items.at(-1)?.number ?? trace.count
    return context.json({ items, next: reached < trace.count ? String(reached) : null, total: trace.count }, 200)
  })
}

const traceItem = ({ id: name, filter, payloads, startedAtMs, endsAtMs, isRunning, count, missed }: Trace) => ({
  id: name,
  ...{ filter, payloads, startedAtMs, endsAtMs, isRunning },
  lines: count,
  missed,
})

const traceLineItem = (line: TraceLine) => {
  const { number, atMs, direction, clientId, connection, packet, fields, payload, text } = line
  return { number, timeMs: atMs, direction, clientId, connection, packet, fields, payload, text }
}

/** A line for the stream of events, as JSON: the fields of the list, and the trace. There may be a thousand a second. */
export const traceEvent = (traceId: string, line: TraceLine): string =>
  `{"traceId":${JSON.stringify(traceId)},${JSON.stringify(traceLineItem(line)).slice(1)}`
