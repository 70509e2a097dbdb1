import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { FakeHttpServer } from '../../test/helpers/fake-http-server.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { dashboardConfig } from './config.ts'
import { dashboard } from './index.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dashboard-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Starts the component on a server without a network. */
const start = async (config: object, scheme: 'http' | 'https' = 'http') => {
  const http = new FakeHttpServer()
  http.scheme = scheme
  const logger = new RecordingLogger()
  const instance = await dashboard.start(dashboardConfig.parse(config), { http, logger }, lifecycleContext('dashboard'))
  return { instance, http, logger }
}

test('it serves its path from start to stop', async () => {
  writeFileSync(join(folder, 'index.html'), '<!doctype html>')
  const { instance, http, logger } = await start({ directory: folder })
  expect(http.paths).toEqual(['/'])
  expect(instance).toMatchObject({ address: '127.0.0.1:80/', isBuilt: true })
  expect(logger.lines).toMatchObject([
    { level: 'info', component: 'dashboard', message: 'Dashboard on http://127.0.0.1:80/' },
  ])
  await dashboard.stop!(instance, lifecycleContext('dashboard'))
  expect(http.paths).toEqual([])
})

test('with a certificate the log has an address that begins with https', async () => {
  writeFileSync(join(folder, 'index.html'), '<!doctype html>')
  const { logger } = await start({ directory: folder }, 'https')
  expect(logger.at('info')).toMatchObject([{ message: 'Dashboard on https://127.0.0.1:80/' }])
})

test('without a build the log says what to run', async () => {
  const { instance, logger } = await start({ directory: join(folder, 'nothing') })
  expect(instance.isBuilt).toBe(false)
  expect(logger.at('warn')).toMatchObject([{ message: expect.stringContaining('npm run build') }])
})

test.each(['dashboard', '/dashboard/', '/a//b', '/a?b', '/a b', ''])('the path %j is refused', (path) => {
  expect(dashboardConfig.safeParse({ path }).success).toBe(false)
})
