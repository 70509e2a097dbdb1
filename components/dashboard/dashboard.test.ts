import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { HttpHandler, HttpServer } from '../../src/kinds/http-server.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { dashboardConfig } from './config.ts'
import { dashboard } from './index.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dashboard-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Starts the component on a server that only keeps routes. */
const start = async (config: object) => {
  const routes = new Map<string, HttpHandler>()
  const http: HttpServer = {
    address: '127.0.0.1:18083',
    isLocal: true,
    route: (path, handler) => {
      routes.set(path, handler)
      return () => routes.delete(path)
    },
  }
  const logger = new RecordingLogger()
  const instance = await dashboard.start(dashboardConfig.parse(config), { http, logger }, lifecycleContext('dashboard'))
  return { instance, routes, logger }
}

test('it serves its path from start to stop', async () => {
  writeFileSync(join(folder, 'index.html'), '<!doctype html>')
  const { instance, routes, logger } = await start({ directory: folder })
  expect([...routes.keys()]).toEqual(['/'])
  expect(instance).toMatchObject({ address: '127.0.0.1:18083/', isBuilt: true })
  expect(logger.lines).toMatchObject([
    { level: 'info', component: 'dashboard', message: 'Dashboard on http://127.0.0.1:18083/' },
  ])
  await dashboard.stop!(instance, lifecycleContext('dashboard'))
  expect([...routes.keys()]).toEqual([])
})

test('without a build the log says what to run', async () => {
  const { instance, logger } = await start({ directory: join(folder, 'nothing') })
  expect(instance.isBuilt).toBe(false)
  expect(logger.at('warn')).toMatchObject([{ message: expect.stringContaining('npm run build') }])
})

test.each(['dashboard', '/dashboard/', '/a//b', '/a?b', '/a b', ''])('the path %j is refused', (path) => {
  expect(dashboardConfig.safeParse({ path }).success).toBe(false)
})
