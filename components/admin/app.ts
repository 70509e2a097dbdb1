import type { MiddlewareHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { Logger } from '../../src/kinds/logger.ts'
import { describePeer } from '../../src/kinds/peer.ts'
import { shortenText } from '../../src/mqtt/shorten-text.ts'
import { addressKey } from '../../src/network/address-key.ts'
import type { AddressRates } from '../../src/network/address-rates.ts'
import { wholeBody } from '../../src/network/whole-body.ts'
import { type Api, type ApiEnvironment, type ApiParts, newApi } from './api.ts'
import { ApiError } from './api-error.ts'
import { addClientRoutes } from './client-routes.ts'
import { BASE_PATH } from './config.ts'
import type { AdminCounters } from './counters.ts'
import { addEventRoutes } from './event-routes.ts'
import { addLogRoutes } from './log-routes.ts'
import { addMessageRoutes } from './message-routes.ts'
import { openApiDocument } from './open-api-document.ts'
import { addSessionRoutes } from './session-routes.ts'
import { addSystemRoutes } from './system-routes.ts'
import type { Tokens } from './tokens.ts'
import { addTraceRoutes } from './trace-routes.ts'
import { addUserRoutes } from './user-routes.ts'

/** What checks and logs the requests before the routes. */
export interface Guard {
  readonly tokens: Pick<Tokens, 'find'>
  /** Wrong tokens of each address. */
  readonly failedTokens: AddressRates
  readonly counters: AdminCounters
  readonly log: Logger
}

/** The API, without a network: a function of requests. */
export const createApp = (parts: ApiParts, guard: Guard): Api => {
  const app = newApi()
  app.onError((error, context) => {
    if (error instanceof ApiError) return context.json({ error: error.message }, error.status)
    // What hono finds wrong with a request, such as malformed JSON.
    if (error instanceof HTTPException && error.status < 500) return context.json({ error: error.message }, 400)
    guard.log.error(
      { err: error, method: context.req.method, path: context.req.path },
      'A request of the admin API failed',
    )
    return context.json({ error: 'The request could not be answered. The log of the broker has the error.' }, 500)
  })
  app.notFound((context) =>
    context.json({ error: 'There is no such route. GET /api/v1/openapi.json describes all.' }, 404),
  )
  app.use(wholeBodies, headers, authenticate(guard), logChanges(guard), authorize(guard))
  const api = newApi()
  addSystemRoutes(api, parts)
  addEventRoutes(api, parts)
  addClientRoutes(api, parts)
  addSessionRoutes(api, parts)
  addMessageRoutes(api, parts)
  addLogRoutes(api, parts)
  addTraceRoutes(api, parts)
  addUserRoutes(api, parts)
  app.route(BASE_PATH, api)
  app.get(`${BASE_PATH}/openapi.json`, (context) => context.json(openApiDocument(app)))
  return app
}

/** Answers have bodies that transfer no memory (`wholeBody`). */
const wholeBodies: MiddlewareHandler<ApiEnvironment> = (context, next) => {
  const json = (value: unknown, status?: ContentfulStatusCode, more?: Record<string, string>): Response =>
    context.body(wholeBody(JSON.stringify(value)), status, { ...more, 'Content-Type': 'application/json' })
  context.json = json as typeof context.json
  return next()
}

const headers: MiddlewareHandler<ApiEnvironment> = async (context, next) => {
  await next()
  context.res.headers.set('Cache-Control', 'no-store')
  context.res.headers.set('X-Content-Type-Options', 'nosniff')
}

/**
 * Requests need a token. A valid one always works, whatever else its address sends: the bound on wrong ones concerns only requests
 * without a valid token, so that a script with a wrong token behind the same NAT does not lock the operator out.
 */
const authenticate =
  ({ tokens, failedTokens, counters, log }: Guard): MiddlewareHandler<ApiEnvironment> =>
  async (context, next) => {
    const { peer } = context.env
    const deny = (status: 401 | 429, error: string, more: Record<string, string> = {}): Response => {
      counters.denied[status] += 1
      return context.json({ error }, status, more)
    }
    const [, given] = /^Bearer +(\S+) *$/i.exec(context.req.header('Authorization') ?? '') ?? []
    const token = given === undefined ? undefined : tokens.find(given)
    if (token !== undefined) {
      context.set('token', token)
      return next()
    }
    const key = addressKey(peer.address)
    const nowMs = performance.now()
    if (!failedTokens.has(key, nowMs)) return deny(429, TOO_MANY_WRONG, { 'Retry-After': '10' })
    const challenge = { 'WWW-Authenticate': 'Bearer' }
    if (given === undefined) return deny(401, 'The request needs a token: Authorization: Bearer TOKEN.', challenge)
    failedTokens.take(key, nowMs)
    log.warn({ remote: describePeer(peer) }, `Admin API refused a wrong token from ${describePeer(peer)}`)
    return deny(401, 'The token is not known.', challenge)
  }

const TOO_MANY_WRONG =
  'The token is missing or wrong, and too many requests with a wrong token came from this address. A valid token still works.'

/** A token that may only read changes nothing. */
const authorize =
  ({ counters }: Guard): MiddlewareHandler<ApiEnvironment> =>
  async (context, next) => {
    const { name, readOnly } = context.get('token')
    if (!readOnly || !isChange(context.req.method)) return next()
    counters.denied[403] += 1
    return context.json({ error: `The token ${name} may only read.` }, 403)
  }

const isChange = (method: string): boolean => method !== 'GET' && method !== 'HEAD'

/** Each change is logged with who made it, whether it succeeded, failed or was denied. */
const logChanges =
  ({ counters, log }: Guard): MiddlewareHandler<ApiEnvironment> =>
  async (context, next) => {
    await next()
    const { method } = context.req
    if (!isChange(method)) {
      counters.reads += 1
      return
    }
    counters.changes += 1
    const { name } = context.get('token')
    const remote = describePeer(context.env.peer)
    // Percent-encoded as it came: it has no control characters.
    const { pathname, search } = new URL(context.req.url)
    const target = shortenText(`${pathname.slice(BASE_PATH.length)}${search}`)
    const { status } = context.res
    log.info(
      { token: name, method, target, status, remote },
      `Admin call by ${name} from ${remote}: ${method} ${target} (${status})`,
    )
  }
