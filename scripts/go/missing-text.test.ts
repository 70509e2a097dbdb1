import { afterEach, expect, test } from 'vitest'
import { createDev, type Dev } from '../../src/system/dev.ts'
import { boom, thingsConfig } from '../../test/system/journal.ts'
import { retryText, startText } from './report-text.ts'
import { resetText } from './reset-text.ts'

let dev: Dev
afterEach(() => dev.close())

test('go, reset and retry say what does not run, and why', async () => {
  let isBroken = true
  const config = thingsConfig(
    { users: [], server: ['users'], log: [] },
    { users: { start: () => (isBroken ? boom() : { name: 'users' }) } },
  )
  dev = createDev({ load: async () => ({ config, changed: [] }), start: 'available' })
  const missing = [
    'the start of users failed: boom (START_FAILED)',
    '  not started because of it: server',
    'Not running: users, server. retry() starts them again.',
  ].join('\n')
  const go = startText(await dev.go(), false)
  expect(go).toContain(missing)
  expect(go).toContain('Running 1 component, started in')
  const reset = resetText(await dev.reset(), 0)
  expect(reset).toContain(missing)
  expect(reset).toContain('Running 1 component, 1 kept')
  expect(reset).not.toContain('did not stop cleanly')
  expect(retryText(await dev.retry(), dev.state.system!.status())).toBe(`Started nothing.\n${missing}`)
  isBroken = false
  expect(retryText(await dev.retry(), dev.state.system!.status())).toBe('Started users, server.')
})
