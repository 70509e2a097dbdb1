import { createRoute, z } from '@hono/zod-openapi'
import type { Api, ApiParts } from './api.ts'
import { ApiError } from './api-error.ts'
import { errorSchema } from './schemas.ts'

const EVENTS = ['overview', 'log', 'trace'] as const

const eventRoute = createRoute({
  method: 'get',
  path: '/events',
  summary: 'A stream of server-sent events: `overview` once a second, `log` and `trace` for each line.',
  request: {
    query: z.object({
      events: z
        .string()
        .regex(
          /^(overview|log|trace)(,(overview|log|trace))*$/,
          'is a list of overview, log and trace, with commas between them',
        )
        .default(EVENTS.join(','))
        .openapi({ description: 'The events that are sent.' }),
    }),
  },
  responses: {
    200: { description: 'The stream.', content: { 'text/event-stream': { schema: z.string() } } },
    default: { description: 'An error.', content: { 'application/json': { schema: errorSchema } } },
  },
})

/** The stream of what happens. */
export const addEventRoutes = (api: Api, { streams }: ApiParts): void => {
  api.openapi(eventRoute, (context) => {
    const headers = { 'Content-Type': 'text/event-stream' }
    // Nothing would read the stream.
    if (context.req.method === 'HEAD') return new Response(null, { headers })
    const events = new Set(context.req.valid('query').events.split(','))
    const token = context.get('token')
    const stream = streams.open(token, events, context.req.raw.signal)
    if (stream === 'share') {
      const error = `The token ${token.name} has all event streams open that one token may have (half of maximumStreams). Close one of them.`
      throw new ApiError(429, error)
    }
    if (stream === 'full') throw new ApiError(503, 'Too many event streams are open (maximumStreams).')
    return new Response(stream, { headers })
  })
}
