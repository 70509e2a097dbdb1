import { createRoute, z } from '@hono/zod-openapi'
import type { RetainedPage } from '../../src/kinds/broker-inspector.ts'
import { describeReasonCode } from '../../src/mqtt/describe-reason-code.ts'
import type { Message } from '../../src/mqtt/message.ts'
import { type Api, type ApiParts, answers, body, named } from './api.ts'
import { ApiError, checked } from './api-error.ts'
import { PAGE_CHARACTERS } from './list.ts'
import { LIST_BYTES, payloadOf, SINGLE_BYTES } from './payload.ts'
import { listQuery, pageOf, publishedSchema, publishSchema, retainedSchema, topicLevelSchema } from './schemas.ts'

/** Topics that are looked at in one turn of the event loop. */
const TOPICS_PER_TURN = 1_000

/** Messages that are found at once: after each part it is seen whether the page is full. A topic has 65,535 characters at most. */
const FOUND_AT_ONCE = 16

const END = Number.POSITIVE_INFINITY

const topic = named('topic', 'The Topic Name, percent-encoded: `a%2Fb`.')

const messageRoutes = {
  topics: createRoute({
    method: 'get',
    path: '/topics',
    summary: 'Lists one level of the tree of topics that have a retained message.',
    request: {
      query: listQuery.extend({
        prefix: z.string().max(65_535).optional().openapi({
          description:
            'The topic above the level: `a/b`. Left out or empty: the first level. `/`: what is below an empty first level.',
        }),
      }),
    },
    responses: answers('A page of levels.', pageOf(topicLevelSchema)),
  }),
  list: createRoute({
    method: 'get',
    path: '/retained',
    summary: 'Lists retained messages, with the start of their payloads.',
    request: {
      query: listQuery.extend({
        filter: z
          .string()
          .max(65_535)
          .default('#')
          .openapi({ description: 'A Topic Filter. `#` does not match `$SYS`.' }),
      }),
    },
    responses: answers(
      'A page of messages, in the order in which their topics got a first message.',
      pageOf(retainedSchema),
    ),
  }),
  get: createRoute({
    method: 'get',
    path: '/retained/{topic}',
    summary: 'Reads a retained message, with at most 1 MiB of its payload.',
    request: { params: topic },
    responses: answers('The message.', retainedSchema),
  }),
  remove: createRoute({
    method: 'delete',
    path: '/retained/{topic}',
    summary: 'Deletes a retained message. Subscribers are not told.',
    request: { params: topic },
    responses: answers('It is deleted.', z.object({ topic: z.string() })),
  }),
  publish: createRoute({
    method: 'post',
    path: '/publish',
    summary: 'Publishes a message as the server: no rule of topics applies.',
    request: { body: body(publishSchema) },
    responses: answers('What became of the message.', publishedSchema),
  }),
}

/** Topics, retained messages, publishing. */
export const addMessageRoutes = (api: Api, { broker, lists }: ApiParts): void => {
  api.openapi(messageRoutes.topics, async (context) => {
    const { prefix = '', limit, after } = context.req.valid('query')
    const above = prefix === '' ? undefined : prefix === '/' ? '' : prefix
    const page = await lists.page(
      broker.inspector.topics(above),
      {
        ...{ limit, after, sort: 'level' },
        key: ({ level }) => level,
        id: () => '',
        matches: () => true,
        characters: ({ level }) => level.length,
      },
      context.req.raw.signal,
    )
    const items = page.items.map(({ level, children, message }) => ({
      ...{ level, topic: above === undefined ? level : `${above}/${level}`, children },
      ...(message !== undefined && contentOf(message, LIST_BYTES)),
    }))
    return context.json({ ...page, items }, 200)
  })

  api.openapi(messageRoutes.list, async (context) => {
    const { filter, limit, after } = context.req.valid('query')
    if (after !== undefined && !/^\d{1,15}$/.test(after)) {
      throw new ApiError(400, 'after is no cursor of this list: use the value of next, or leave it out.')
    }
    const page = await lists.divided(context.req.raw.signal, (turn) =>
      retainedPage(broker, filter, Number(after ?? 0), limit, turn),
    )
    return context.json(page, 200)
  })

  api.openapi(messageRoutes.get, (context) => {
    const name = context.req.valid('param').topic
    const message = checked(() => broker.inspector.retainedMessage(name))
    if (message === undefined) throw new ApiError(404, 'The topic has no retained message.')
    return context.json({ topic: name, ...contentOf(message, SINGLE_BYTES) }, 200)
  })

  api.openapi(messageRoutes.remove, (context) => {
    const name = context.req.valid('param').topic
    if (!checked(() => broker.deleteRetained(name))) throw new ApiError(404, 'The topic has no retained message.')
    return context.json({ topic: name }, 200)
  })

  api.openapi(messageRoutes.publish, (context) => {
    const { payload, payloadBase64, expirySeconds, ...message } = context.req.valid('json')
    const bytes = payloadBase64 === undefined ? payload : Buffer.from(payloadBase64, 'base64')
    const { reasonCode, subscribers } = checked(() =>
      broker.publish({
        ...message,
        ...(bytes !== undefined && { payload: bytes }),
        ...(expirySeconds !== undefined && { expirySeconds }),
      }),
    )
    return context.json({ reasonCode, reason: describeReasonCode(reasonCode), subscribers }, 200)
  })
}

/** A page of retained messages. The cursor is a number of the tree, so the page begins where the one before ended. */
const retainedPage = async (
  { inspector }: ApiParts['broker'],
  filter: string,
  after: number,
  limit: number,
  turn: () => Promise<void>,
) => {
  /** Walks from a number on, and stops before `last`, or when no message is wanted any more. */
  const walk = async (
    from: number,
    last: number,
    wanted: () => number,
    found: (messages: readonly Message[]) => void,
  ) => {
    for (let reached: number | undefined = from; reached !== undefined; await turn()) {
      const maximum = wanted()
      if (maximum === 0) return reached
      const limits = { looked: TOPICS_PER_TURN, found: maximum, last }
      const part: RetainedPage = checked(() => inspector.retained(filter, reached as number, limits))
      found(part.messages)
      reached = part.next
    }
    return undefined
  }
  const items: Message[] = []
  let others = 0
  let behind = 0
  let characters = 0
  const room = () => (characters > PAGE_CHARACTERS ? 0 : Math.min(FOUND_AT_ONCE, limit - items.length))
  const reached = await walk(after, END, room, (messages) => {
    items.push(...messages)
    for (const { topic: name } of messages) characters += name.length
  })
  const all = () => END
  if (reached !== undefined) await walk(reached, END, all, ({ length }) => (behind += length))
  if (after > 0) await walk(0, after, all, ({ length }) => (others += length))
  return {
    items: items.map((message) => ({ topic: message.topic, ...contentOf(message, LIST_BYTES) })),
    next: behind === 0 ? null : String(reached),
    total: others + items.length + behind,
  }
}

const contentOf = (message: Message, maximumBytes: number) => ({
  payload: payloadOf(message, maximumBytes),
  qos: message.qos,
  ...(message.expiresAtMs !== Number.POSITIVE_INFINITY && { expiresAtMs: Math.round(message.expiresAtMs) }),
})
