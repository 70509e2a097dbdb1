/** The forms of requests and answers that several routes have. */

import { z } from '@hono/zod-openapi'

export const MAXIMUM_LIMIT = 1_000

/** The parameters of every list. */
export const listQuery = z.object({
  limit: z.coerce.number().int().min(1).max(MAXIMUM_LIMIT).default(100).openapi({ description: 'Items of the page.' }),
  after: z.string().max(4_096).optional().openapi({ description: 'The `next` of the page before.' }),
})

/** A page of a list. */
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({
    items: z.array(item),
    next: z.string().nullable().openapi({ description: 'The `after` of the next page; null on the last one.' }),
    total: z.int().openapi({ description: 'Items of all pages.' }),
  })

export const errorSchema = z.object({ error: z.string() }).openapi('Error')

const count = z.int()
const milliseconds = z.number().openapi({ description: 'Milliseconds since 1970.' })

export const overviewSchema = z
  .object({
    version: z.string(),
    nodeVersion: z.string(),
    startedAtMs: milliseconds,
    uptimeSeconds: count,
    state: z.string(),
    ...{ clients: count, sessions: count, subscriptions: count, retained: count },
    eventLoop: z
      .object({ p50Ms: z.number(), p99Ms: z.number(), maxMs: z.number() })
      .openapi({ description: 'How late the event loop was in the last five to ten seconds.' }),
    memory: z.object({ rssBytes: count, heapUsedBytes: count }),
    counters: z
      .record(z.string(), z.number())
      .openapi({ description: 'The measures of all components: `component.measure{label="value"}`.' }),
  })
  .openapi('Overview')

const clientFields = {
  id: z.string(),
  userName: z.string().optional(),
  address: z.string().openapi({ description: 'Without the port. Empty on a Unix socket.' }),
  port: count,
  listener: z.string(),
  transport: z.string(),
  protocolVersion: z.int().openapi({ description: '3, 4 (MQTT 3.1.1) or 5.' }),
  connectedAtMs: milliseconds,
  keepAliveSeconds: count,
  pendingBytes: count,
  bytesReceived: count,
  ...{ subscriptions: count, inflight: count, waiting: count },
}

const subscriptions = z
  .array(z.object({ filter: z.string(), qos: count }))
  .openapi({ description: 'The first 1,000; `GET /subscriptions?client=` has all.' })

export const clientSchema = z.object(clientFields).openapi('Client')

export const clientDetailSchema = z
  .object({
    ...clientFields,
    session: z.object({
      subscriptions,
      expiryIntervalSeconds: count,
      ...{ inflight: count, waiting: count },
      hasWill: z.boolean(),
    }),
  })
  .openapi('ClientDetail')

const sessionFields = {
  id: z.string(),
  userName: z.string().optional(),
  connected: z.boolean(),
  expiryIntervalSeconds: count.openapi({ description: '4294967295: it never ends.' }),
  disconnectedAtMs: milliseconds.optional(),
  ...{ inflight: count, waiting: count },
  hasWill: z.boolean(),
}

export const sessionSchema = z.object({ ...sessionFields, subscriptions: count }).openapi('Session')
export const sessionDetailSchema = z.object({ ...sessionFields, subscriptions }).openapi('SessionDetail')

export const subscriptionSchema = z
  .object({ clientId: z.string(), filter: z.string(), qos: count })
  .openapi('Subscription')

const payload = z.object({
  base64: z.string(),
  text: z.string().optional().openapi({ description: 'If it is UTF-8.' }),
  bytes: count.openapi({ description: 'Of the whole payload.' }),
  isCut: z.boolean().optional().openapi({ description: 'There is more than `base64` has.' }),
})

const messageFields = { payload, qos: count, expiresAtMs: milliseconds.optional() }

export const retainedSchema = z.object({ topic: z.string(), ...messageFields }).openapi('RetainedMessage')

export const topicLevelSchema = z
  .object({
    level: z.string(),
    topic: z.string(),
    children: count.openapi({ description: 'Levels directly below.' }),
    payload: payload.optional(),
    qos: count.optional(),
    expiresAtMs: milliseconds.optional(),
  })
  .openapi('TopicLevel')

export const publishSchema = z
  .strictObject({
    topic: z.string(),
    payload: z.string().optional().openapi({ description: 'As text.' }),
    payloadBase64: z.base64().optional().openapi({ description: 'Instead of `payload`.' }),
    qos: z.literal([0, 1, 2]).default(0),
    retain: z.boolean().default(false),
    expirySeconds: z.int().min(0).max(0xffff_ffff).optional(),
  })
  .refine((message) => message.payload === undefined || message.payloadBase64 === undefined, {
    message: 'payload and payloadBase64 are both set',
  })
  .openapi('Publish')

export const publishedSchema = z
  .object({ reasonCode: count, reason: z.string(), subscribers: count })
  .openapi('Published')

export const componentSchema = z
  .object({
    name: z.string(),
    kind: z.string(),
    state: z.string(),
    description: z.string().optional(),
    startMs: z.number().optional(),
    blockedBy: z.array(z.string()),
    unready: z.string().optional(),
    error: z.string().optional(),
  })
  .openapi('Component')

const problem = z.object({ path: z.array(z.union([z.string(), z.number()])), message: z.string() }).loose()

export const graphSchema = z
  .object({
    nodes: z.array(
      z.object({
        name: z.string(),
        defined: z.boolean(),
        kind: z.string().optional(),
        variant: z.string().optional(),
        place: count.optional(),
        description: z.string().optional(),
        enabled: z.boolean(),
        state: z.string().optional(),
        startMs: z.number().optional(),
        blockedBy: z.array(z.string()),
        unready: z.string().optional(),
        error: z.string().optional(),
        problems: z.array(problem),
      }),
    ),
    edges: z.array(
      z.object({
        from: z.string(),
        to: z.string(),
        role: z.string(),
        index: count.optional(),
        active: z.boolean(),
        problem: z.string().optional(),
      }),
    ),
    problems: z.array(problem),
  })
  .openapi('Graph')

export const planSchema = z
  .object({
    parts: z.array(
      z.object({
        name: z.string(),
        kind: z.string(),
        verdict: z.enum(['keep', 'adjust', 'swap', 'restart', 'start', 'stop']),
        reasons: z.array(z.string()),
      }),
    ),
    connections: z.array(
      z.object({ listener: z.string(), keptUntouched: count, repiped: count, closed: count }).openapi({
        description: 'What happens to the connections of a listener.',
      }),
    ),
  })
  .openapi('Plan')

export const checkedPlanSchema = planSchema
  .extend({
    refusals: z.array(z.string()).openapi({
      description:
        'Why a reload will be refused, in the words of its error. Empty if it may be applied. A component that is asked may still refuse it.',
    }),
  })
  .openapi('CheckedPlan')

export const reloadSchema = z
  .object({
    plan: planSchema
      .optional()
      .openapi({ description: 'What was applied. Missing if the config cannot be read again.' }),
    ms: z.number().optional().openapi({ description: 'The time that it took, in milliseconds.' }),
    cutOverMs: z.number().optional().openapi({ description: 'How long the broker did nothing else, in milliseconds.' }),
    items: z
      .array(z.object({ name: z.string(), change: z.string().optional(), error: z.string().optional() }))
      .openapi({ description: 'Components that read their files again.' }),
  })
  .openapi('Reload')

export const listenerSchema = z
  .object({
    name: z.string(),
    transport: z.string(),
    address: z.string(),
    connections: count,
    accepted: count,
    refused: count,
    tls: z.boolean(),
    certificateDays: z.number().optional().openapi({ description: 'Until the first certificate expires.' }),
  })
  .openapi('Listener')

export const banSchema = z
  .object({ address: z.string(), untilMs: milliseconds, byOperator: z.boolean() })
  .openapi('Ban')

const seconds = z.number().positive().max(315_360_000).openapi({ description: 'At most ten years.' })
export const banSecondsSchema = z.strictObject({ seconds })
export const newBanSchema = z.strictObject({ address: z.string().max(64), seconds })

export const userSchema = z.object({ name: z.string() }).openapi('User')
export const setUserSchema = z
  .strictObject({ password: z.string().min(1).openapi({ description: 'As text.' }) })
  .openapi('SetUser')

export const logLineSchema = z
  .object({
    number: count,
    timeMs: milliseconds,
    level: z.string(),
    component: z.string().optional(),
    message: z.string(),
    details: z.record(z.string(), z.unknown()).openapi({ description: 'The fields of the line.' }),
  })
  .openapi('LogLine')

export const levelSchema = z
  .strictObject({ level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']) })
  .openapi('LogLevel')

const filter = {
  clientId: z.string().max(65_535).optional(),
  userName: z.string().max(65_535).optional(),
  address: z.string().max(64).optional(),
  topic: z.string().max(65_535).optional(),
}

export const newTraceSchema = z
  .strictObject({
    ...filter,
    payloads: z.boolean().default(false),
    seconds: z.number().positive().optional(),
    maximumLines: z.int().positive().optional(),
  })
  .openapi('NewTrace')

export const traceSchema = z
  .object({
    id: z.string(),
    filter: z.object(filter),
    payloads: z.boolean(),
    startedAtMs: milliseconds,
    endsAtMs: milliseconds,
    isRunning: z.boolean(),
    lines: count,
    missed: count,
  })
  .openapi('Trace')

export const traceLineSchema = z
  .object({
    number: count,
    timeMs: milliseconds,
    direction: z.enum(['received', 'sent']),
    clientId: z.string().optional(),
    connection: z.string(),
    packet: z.string(),
    fields: z.record(z.string(), z.unknown()),
    payload: z.object({ base64: z.string(), text: z.string().optional(), isCut: z.boolean() }).optional(),
    text: z.string(),
  })
  .openapi('TraceLine')
