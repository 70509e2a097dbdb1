/** What the routes share: the parts that they ask, the form of their answers, and the checks before them. */

import { OpenAPIHono, z } from '@hono/zod-openapi'
import type { Authenticator } from '../../src/kinds/authenticator.ts'
import type { Broker } from '../../src/kinds/broker.ts'
import type { Listener } from '../../src/kinds/listener.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { Peer } from '../../src/kinds/peer.ts'
import type { Tracer } from '../../src/kinds/tracer.ts'
import type { LifecycleContext } from '../../src/system/define-system.ts'
import type { EventStreams } from './event-streams.ts'
import type { Lists } from './list.ts'
import type { Overview } from './overview.ts'
import { errorSchema } from './schemas.ts'
import type { KnownToken } from './tokens.ts'

/** What the routes ask. */
export interface ApiParts {
  readonly broker: Broker
  readonly listener: Listener
  readonly logger: Logger
  readonly tracer: Tracer | undefined
  /** The authenticator whose users can be changed. */
  readonly users: Authenticator | undefined
  readonly system: LifecycleContext['system']
  readonly overview: Overview
  readonly lists: Lists
  readonly streams: EventStreams
}

export interface ApiEnvironment {
  Bindings: { readonly peer: Peer }
  Variables: { token: KnownToken }
}

export type Api = OpenAPIHono<ApiEnvironment>

/** An app whose requests are checked: what is wrong is said in a sentence. */
export const newApi = (): Api =>
  new OpenAPIHono<ApiEnvironment>({
    defaultHook: (result, context) => {
      if (result.success) return undefined
      const [issue] = result.error.issues
      const where = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.join('.')}: `
      return context.json({ error: `${where}${issue?.message ?? 'The request is not valid.'}` }, 400)
    },
  })

/** The answer of a route in its description. Errors have the same form everywhere. */
export const answers = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
  200: { description, content: { 'application/json': { schema } } },
  default: { description: 'An error, with a sentence.', content: { 'application/json': { schema: errorSchema } } },
})

/** The body of a request in the description of a route. */
export const body = <Schema extends z.ZodType>(schema: Schema) => ({
  required: true,
  content: { 'application/json': { schema } },
})

/** The parameter of a path, percent-encoded. */
export const named = <Name extends string>(name: Name, description: string) =>
  z.object({ [name]: z.string().openapi({ description }) } as { [K in Name]: z.ZodString })

/** A list that is short: all of it is the only page. */
export const whole = <Item>(items: Item[]) => ({ items, next: null, total: items.length })

/** A parameter that is empty is one that was left out: forms send them so. */
export const filled = (text: string | undefined): string | undefined => (text === '' ? undefined : text)

/** The length of the names that a client chose. */
export const nameLength = ({
  id,
  userName = '',
}: {
  readonly id: string
  readonly userName?: string | undefined
}): number => id.length + userName.length

/** Whether a text has a part, in upper or lower case. */
export const hasPart = (text: string | undefined, part: string): boolean => text?.toLowerCase().includes(part) === true
