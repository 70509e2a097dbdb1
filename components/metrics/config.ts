import { z } from 'zod'
import { checkTopicFilter, isSharedFilter } from '../../src/mqtt/topic-filter.ts'

const topicFilter = z.string().superRefine((filter, context) => {
  const bytes = Buffer.from(filter)
  const problem = checkTopicFilter(bytes)
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem.message })
  else if (isSharedFilter(bytes))
    context.addIssue({ code: 'custom', message: 'A Shared Subscription cannot be counted.' })
})

const areDistinct = (values: readonly { readonly name: string }[]): boolean =>
  new Set(values.map(({ name }) => name)).size === values.length

export const metricsConfig = z.strictObject({
  path: z
    .string()
    .regex(/^\/[\w/.-]*[\w.-]$/, 'A path begins with / and does not end with it.')
    .default('/metrics')
    .describe('Where the HTTP server serves the metrics.'),
  names: z
    .enum(['mqtt-jig', 'mosquitto'])
    .default('mqtt-jig')
    .describe('`mosquitto`: the names of the mosquitto exporter, for dashboards that exist already.'),
  topicFilters: z
    .array(z.strictObject({ name: z.string().min(1).max(64), filter: topicFilter }))
    .max(100)
    .refine(areDistinct, 'Two topic filters have the same name.')
    .default([])
    .describe('Topic Filters whose messages and payload bytes are counted, each with a name.'),
  token: z
    .string()
    .min(16)
    .optional()
    .describe(
      'Requests need it as `Authorization: Bearer TOKEN`. Without it every client of the HTTP server may read.',
    ),
  allowAnonymous: z
    .boolean()
    .default(false)
    .describe('Without a token, serve the metrics also if the HTTP server can be reached from other machines.'),
  cacheMs: z
    .int()
    .min(0)
    .max(60_000)
    .default(500)
    .describe(
      'A text is given to all requests of this time, in milliseconds, so that many requests cost no more than one.',
    ),
})

export type MetricsConfig = z.output<typeof metricsConfig>
