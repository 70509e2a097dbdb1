import { createRoute, z } from '@hono/zod-openapi'
import { type Api, type ApiParts, answers, body } from './api.ts'
import { ApiError } from './api-error.ts'
import { logItem } from './log-lines.ts'
import { levelSchema, listQuery, logLineSchema, pageOf } from './schemas.ts'

const logRoutes = {
  lines: createRoute({
    method: 'get',
    path: '/log',
    summary: 'The last lines of the log, the oldest first. Without `after`: the newest ones.',
    request: {
      query: listQuery.extend({
        after: z.coerce
          .number()
          .int()
          .min(0)
          .optional()
          .openapi({ description: 'The `number` of the last line that is known.' }),
      }),
    },
    responses: answers('Lines.', pageOf(logLineSchema)),
  }),
  level: createRoute({
    method: 'get',
    path: '/log/level',
    summary: 'The lowest level that is written.',
    responses: answers('The level.', levelSchema),
  }),
  setLevel: createRoute({
    method: 'put',
    path: '/log/level',
    summary: 'Sets the lowest level that is written, until the next start.',
    request: { body: body(levelSchema) },
    responses: answers('The level.', levelSchema),
  }),
}

/** The log of the broker. */
export const addLogRoutes = (api: Api, { logger }: ApiParts): void => {
  api.openapi(logRoutes.lines, (context) => {
    const { tail } = logger
    if (tail === undefined)
      throw new ApiError(404, 'The logger keeps no lines. Use the logger of the package, with tailLines above 0.')
    const { limit, after = Math.max(0, tail.last - limit) } = context.req.valid('query')
    const items = tail.lines(after, limit).map(logItem)
    const reached = items.at(-1)?.number ?? tail.last
    return context.json({ items, next: reached < tail.last ? String(reached) : null, total: tail.last }, 200)
  })

  api.openapi(logRoutes.level, (context) => context.json({ level: logger.level }, 200))

  api.openapi(logRoutes.setLevel, (context) => {
    const { level } = context.req.valid('json')
    const { name } = context.get('token')
    // First: with the new level the line about this call, and about calls after it, may not be written.
    logger.warn({ token: name, before: logger.level, level }, `Log level is set to ${level} by ${name}`)
    logger.level = level
    return context.json({ level: logger.level }, 200)
  })
}
