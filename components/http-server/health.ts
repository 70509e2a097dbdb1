import type { HttpHandler } from '../../src/kinds/http-server.ts'
import { jsonResponse } from '../../src/network/whole-body.ts'
import type { LifecycleContext } from '../../src/system/define-system.ts'

type SystemObserver = LifecycleContext['system']

/** What every client may ask without a token, by the path. No answer has a value of the config or data of a client. */
export const healthRoutes = (system: SystemObserver): readonly (readonly [string, HttpHandler])[] => [
  ['/livez', only('/livez', () => jsonResponse({ live: true }, { headers: NO_STORE }))],
  ['/readyz', only('/readyz', () => readiness(system))],
  ['/status', only('/status', () => status(system))],
]

const NO_STORE = { 'Cache-Control': 'no-store' }

const only =
  (path: string, answer: () => Response): HttpHandler =>
  ({ method, url }) => {
    if (new URL(url).pathname !== path) return jsonResponse({ error: 'There is no such page.' }, { status: 404 })
    if (method === 'GET' || method === 'HEAD') return answer()
    return jsonResponse({ error: 'Use GET.' }, { status: 405, headers: { Allow: 'GET, HEAD' } })
  }

/** The components that keep the system from being ready: those that do not run, and those that cannot do their work. */
const unreadyNames = (system: SystemObserver): readonly string[] =>
  system
    .status()
    .filter(({ state, unready }) => state !== 'disabled' && (state !== 'running' || unready !== undefined))
    .map(({ name }) => name)

const readiness = (system: SystemObserver): Response => {
  const { state } = system
  const components = unreadyNames(system)
  const ready = state === 'running' && components.length === 0
  if (ready) return jsonResponse({ ready }, { headers: NO_STORE })
  return jsonResponse({ ready, state, components }, { status: 503, headers: { ...NO_STORE, 'Retry-After': '1' } })
}

const status = (system: SystemObserver): Response => {
  const { state, runningSinceMs } = system
  const ready = state === 'running' && unreadyNames(system).length === 0
  const uptimeSeconds =
    runningSinceMs === undefined ? 0 : Math.max(0, Math.round((Date.now() - runningSinceMs) / 1_000))
  return jsonResponse({ state, ready, uptimeSeconds }, { headers: NO_STORE })
}
