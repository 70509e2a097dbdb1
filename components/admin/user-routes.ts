import { createRoute, z } from '@hono/zod-openapi'
import type { UserDirectory } from '../../src/kinds/user-directory.ts'
import { type Api, type ApiParts, answers, body, filled, hasPart, named } from './api.ts'
import { ApiError, checkedLater } from './api-error.ts'
import { listQuery, pageOf, setUserSchema, userSchema } from './schemas.ts'

const name = named('name', 'The user name.')

const userRoutes = {
  list: createRoute({
    method: 'get',
    path: '/users',
    summary: 'Lists the users that clients can authenticate as.',
    request: {
      query: listQuery.extend({
        q: z.string().max(1_024).optional().openapi({ description: 'A part of the name.' }),
      }),
    },
    responses: answers('A page of users.', pageOf(userSchema)),
  }),
  get: createRoute({
    method: 'get',
    path: '/users/{name}',
    summary: 'Says whether there is a user.',
    request: { params: name },
    responses: answers('The user.', userSchema),
  }),
  set: createRoute({
    method: 'put',
    path: '/users/{name}',
    summary: 'Adds a user, or changes the password of an existing one and disconnects its clients.',
    request: { params: name, body: body(setUserSchema) },
    responses: answers('The user is stored.', userSchema),
  }),
  remove: createRoute({
    method: 'delete',
    path: '/users/{name}',
    summary: 'Deletes a user and disconnects its clients.',
    request: { params: name },
    responses: answers('It is deleted.', userSchema),
  }),
}

/** The users of an authenticator that can be changed. No answer has a password or a hash. */
export const addUserRoutes = (api: Api, { users: authenticator, lists }: ApiParts): void => {
  const own = (): UserDirectory => {
    const users = authenticator?.users
    if (users === undefined) throw new ApiError(404, NO_USERS)
    return users
  }
  const missing = () => new ApiError(404, 'There is no user with this name.')

  api.openapi(userRoutes.list, async (context) => {
    const { q, limit, after } = context.req.valid('query')
    const part = filled(q)?.toLowerCase()
    const page = await lists.page(
      own().list(),
      {
        ...{ limit, after, sort: 'name' },
        key: (user) => user,
        id: () => '',
        characters: (user) => user.length,
        matches: (user) => part === undefined || hasPart(user, part),
      },
      context.req.raw.signal,
    )
    return context.json({ ...page, items: page.items.map((user) => ({ name: user })) }, 200)
  })

  api.openapi(userRoutes.get, (context) => {
    const { name: user } = context.req.valid('param')
    if (!own().list().includes(user)) throw missing()
    return context.json({ name: user }, 200)
  })

  api.openapi(userRoutes.set, async (context) => {
    const { name: user } = context.req.valid('param')
    const { password } = context.req.valid('json')
    await checkedLater(() => own().set(user, password))
    return context.json({ name: user }, 200)
  })

  api.openapi(userRoutes.remove, async (context) => {
    const { name: user } = context.req.valid('param')
    if (!(await own().delete(user))) throw missing()
    return context.json({ name: user }, 200)
  })
}

const NO_USERS =
  "The admin API has no users to change. Add users: 'passwordFile' to its dependencies, and enable passwordFile in the config."
