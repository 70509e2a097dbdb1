/** Memory that is transferred makes each access to typed arrays slower for the rest of the process, so answers transfer none. */

import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterEach, expect, it, vi } from 'vitest'
import { dashboard } from '../../components/dashboard/index.ts'
import { metrics } from '../../components/metrics/index.ts'
import { tracer } from '../../components/tracer/index.ts'
import { AdminBroker } from '../helpers/admin-broker.ts'

let api: AdminBroker
afterEach(async () => {
  vi.restoreAllMocks()
  await api.stop()
})

/** Asks by node:http: `fetch` of this process transfers memory itself. */
const ask = async (path: string, method = 'GET', body?: object): Promise<IncomingMessage> => {
  const headers = { authorization: `Bearer ${api.token}`, 'content-type': 'application/json' }
  const sent = request(`${api.url}${path}`, { method, headers })
  sent.end(body && JSON.stringify(body))
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return response
}

it('no request and no answer of the HTTP server transfers memory', async () => {
  const http = 'httpServer'
  const logger = 'logger'
  api = await AdminBroker.start({
    entries: {
      metrics: { component: metrics, dependencies: { http, logger } },
      dashboard: { component: dashboard, dependencies: { http, logger } },
      tracer: { component: tracer, dependencies: { logger } },
    },
    dependencies: { tracer: 'tracer' },
  })
  // A byte stream transfers the memory of each chunk.
  const byteStreams = vi.spyOn(ReadableByteStreamController.prototype, 'enqueue')
  const answers = new Map([
    ['/livez', 200],
    ['/readyz', 200],
    ['/status', 200],
    ['/metrics', 200],
    ['/metrics/none', 404],
    ['/none', 404],
    ['/api/v1/overview', 200],
    ['/api/v1/clients?limit=0', 400],
    ['/api/v1/openapi.json', 200],
    ['/api/v1/none', 404],
  ])
  for (const [path, status] of answers) {
    const response = await ask(path)
    expect([path, response.statusCode, (await text(response)).length > 0]).toEqual([path, status, true])
  }
  await text(await ask('/'))
  const started = await ask('/api/v1/traces', 'POST', { clientId: 'kitchen' })
  expect(JSON.parse(await text(started))).toMatchObject({ filter: { clientId: 'kitchen' } })
  const events = await ask('/api/v1/events')
  expect(String((await once(events, 'data'))[0])).toBe(': open\n\n')
  events.destroy()
  expect(byteStreams).not.toHaveBeenCalled()

  await Response.json({}).text()
  expect(byteStreams).toHaveBeenCalledOnce()
})
