import { afterEach, expect, it } from 'vitest'
import { z } from 'zod'
import { httpServer } from '../../components/http-server/index.ts'
import type { HttpServer } from '../../src/kinds/http-server.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { kind } from '../../src/system/kind.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { quietSystem } from '../helpers/start-broker.ts'

const Gate = kind<object>()('Gate')

let system: ReturnType<typeof createSystem>
afterEach(() => system.stop())

it('a broker that runs without a component is not ready, and names what does not run', async () => {
  const start = (): object => {
    throw new Error('no gate')
  }
  const broken = defineComponent({ provides: Gate, needs: {}, config: z.object({}), start })
  const user = defineComponent({ provides: Gate, needs: { gate: Gate }, config: z.object({}), start: () => ({}) })
  const entry = { component: httpServer, config: { port: 0, drainMs: 0 }, dependencies: { logger: 'logger' } }
  const gates = { broken: { component: broken }, user: { component: user, dependencies: { gate: 'broken' } } }
  system = createSystem({ ...gates, ...quietSystem, httpServer: entry }, { start: 'available' })
  await system.start()
  const { address } = (system.map as unknown as { readonly httpServer: HttpServer }).httpServer
  const response = await fetch(`http://${address}/readyz`)
  expect(response.status).toBe(503)
  expect(await response.json()).toEqual({ ready: false, state: 'running', components: ['broken', 'user'] })
})

it('a broker is alive and not ready while a component starts, and ready when all run', async () => {
  let open: (gate: object) => void = () => undefined
  const gate = new Promise<object>((resolve) => {
    open = resolve
  })
  const slow = defineComponent({ provides: Gate, needs: {}, config: z.object({}), start: () => gate })
  const entry = { component: httpServer, config: { port: 0, drainMs: 0 }, dependencies: { logger: 'logger' } }
  system = createSystem({ slow: { component: slow }, ...quietSystem, httpServer: entry })
  const started = system.start()
  await expect.poll(() => 'httpServer' in system.map).toBe(true)
  const { address } = (system.map as unknown as { readonly httpServer: HttpServer }).httpServer
  const ask = async (path: string) => {
    const response = await fetch(`http://${address}${path}`)
    return [response.status, await response.json()]
  }
  expect(await ask('/livez')).toEqual([200, { live: true }])
  await expect.poll(() => ask('/readyz')).toEqual([503, { ready: false, state: 'starting', components: ['slow'] }])
  open({})
  await started
  expect(await ask('/readyz')).toEqual([200, { ready: true }])
  expect(await ask('/status')).toMatchObject([200, { state: 'running', ready: true }])
})
