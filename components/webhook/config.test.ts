import { expect, it } from 'vitest'
import { webhookConfig } from './config.ts'

const parse = (values: object) => webhookConfig.safeParse({ url: 'https://hooks.example/mqtt', ...values })

it('needs an address only', () => {
  expect(parse({}).data).toMatchObject({ events: ['connected', 'disconnected'], filters: [], payload: 'text' })
})

it.each([
  [{ url: 'hooks.example' }, 'url', 'not a URL'],
  [{ url: 'http://hooks.example' }, 'url', 'allowPlainHttp'],
  [{ filters: ['a/#/b'] }, 'filters.0', '"#" is not alone'],
  [{ filters: ['$share/g/a'] }, 'filters.0', 'Shared Subscription'],
  [{ events: [], filters: [] }, 'filters', 'nothing would be sent'],
  [{ events: ['message'] }, 'events.0', ''],
  [{ headers: { Authorization: 'a' }, authorizationFile: 'b' }, 'authorizationFile', 'as well'],
  [{ minimumRetryMs: 60_000, maximumRetryMs: 1_000 }, 'minimumRetryMs', 'more than maximumRetryMs'],
  [{ signatureHeader: 'X Y' }, 'signatureHeader', 'not the name of a header'],
])('refuses %j', (values, path, message) => {
  const issue = parse(values).error?.issues[0]
  expect(issue?.path.join('.')).toBe(path)
  expect(issue?.message).toContain(message)
})

it.each(['http://127.0.0.1:8080', 'http://localhost/a', 'http://[::1]/'])('takes %s on this machine', (url) => {
  expect(parse({ url }).success).toBe(true)
})
