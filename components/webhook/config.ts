import { z } from 'zod'
import { checkTopicFilter, isSharedFilter } from '../../src/mqtt/topic-filter.ts'
import { isLoopbackUrl, serviceHeaders, serviceUrl } from '../../src/network/service-url.ts'

const filter = z.string().superRefine((text, context) => {
  const bytes = Buffer.from(text)
  const message =
    checkTopicFilter(bytes)?.message ?? (isSharedFilter(bytes) ? 'it is a Shared Subscription' : undefined)
  if (message !== undefined) context.addIssue({ code: 'custom', message })
})
const file = z.string().min(1)

export const webhookConfig = z
  .strictObject({
    url: serviceUrl.describe(
      'Where the events are sent, `https:`. `http:` is for this machine, or needs `allowPlainHttp`.',
    ),
    allowPlainHttp: z
      .boolean()
      .default(false)
      .describe('Whether `http:` may lead to another machine: events are then sent unencrypted.'),
    events: z
      .array(z.enum(['connected', 'disconnected']))
      .max(2)
      .default(['connected', 'disconnected'])
      .describe('Events of clients that are sent.'),
    filters: z
      .array(filter)
      .max(100)
      .default([])
      .describe('Topic Filters: messages that one of them matches are sent.'),
    payload: z
      .enum(['text', 'base64', 'none'])
      .default('text')
      .describe('How payloads are sent: `text` is a text if it is UTF-8 and base64 otherwise.'),
    maximumPayloadBytes: z
      .int()
      .min(0)
      .max(16_777_216)
      .default(65_536)
      .describe('Larger payloads are left out of their event.'),
    headers: serviceHeaders.default({}).describe('Headers of each request.'),
    authorizationFile: file
      .optional()
      .describe('File with the value of the header `authorization`, read for each request.'),
    secretFile: file
      .optional()
      .describe('File with the key of the signature, read for each request. Unset: requests are not signed.'),
    signatureHeader: z
      .string()
      .regex(/^[a-z0-9-]{1,64}$/, 'not the name of a header in lower case')
      .default('x-mqtt-jig-signature')
      .describe('The header of the signature: `t=SECONDS,v1=HEX`.'),
    batchEvents: z.int().min(1).max(10_000).default(100).describe('The most events in a request.'),
    batchBytes: z
      .int()
      .min(1_024)
      .max(16_777_216)
      .default(1_048_576)
      .describe('The most bytes in a request, apart from a single event that is larger.'),
    batchMs: z
      .int()
      .min(0)
      .max(60_000)
      .default(200)
      .describe('How long an event waits for others to go with it, in milliseconds.'),
    timeoutMs: z.int().min(100).max(120_000).default(10_000).describe('How long an answer is awaited.'),
    maximumRequests: z
      .int()
      .min(1)
      .max(100)
      .default(1)
      .describe('Requests at the same time. With more than one, batches may arrive in another order.'),
    maximumAttempts: z.int().min(1).max(1_000).default(10).describe('How often a batch is sent before it is dropped.'),
    minimumRetryMs: z
      .int()
      .min(10)
      .max(600_000)
      .default(500)
      .describe('The time before a batch is sent again. It doubles with each further attempt.'),
    maximumRetryMs: z.int().min(10).max(3_600_000).default(30_000).describe('The longest such time.'),
    maximumQueuedEvents: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(10_000)
      .describe('Events that wait. Beyond that new ones are dropped.'),
    maximumQueuedBytes: z
      .int()
      .min(65_536)
      .max(2 ** 30)
      .default(16_777_216)
      .describe('Their bytes together.'),
    drainMs: z
      .int()
      .min(0)
      .max(60_000)
      .default(2_000)
      .describe('How long a stop waits for the events that are queued.'),
  })
  .superRefine((config, context) => {
    const problem = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message })
    const { url, allowPlainHttp, events, filters, headers, authorizationFile } = config
    if (url.protocol === 'http:' && !isLoopbackUrl(url) && !allowPlainHttp) {
      problem('url', 'events could be read on the way: use https:, or set allowPlainHttp')
    }
    if (events.length === 0 && filters.length === 0)
      problem('filters', 'neither events nor filters: nothing would be sent')
    if (authorizationFile !== undefined && new Headers(headers).has('authorization')) {
      problem('authorizationFile', 'headers have an authorization as well')
    }
    if (config.minimumRetryMs > config.maximumRetryMs) problem('minimumRetryMs', 'more than maximumRetryMs')
  })

export type WebhookConfig = z.output<typeof webhookConfig>
