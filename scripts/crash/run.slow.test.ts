import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { runCrashes } from './run.ts'

const root = resolve(import.meta.dirname, '../..')
const options = {
  mode: 'kills',
  every: 1,
  cuts: 1,
  seconds: 2,
  seed: 1,
  settings: [],
  publishers: 2,
  subscribers: 1,
} as const

// The control: a harness that finds nothing here would find nothing anywhere.
test('a broker whose store is in memory breaks its promises when it is killed', async () => {
  const config = resolve(root, 'memory.config.ts')
  const { kills, broken } = await runCrashes(root, { ...options, count: 3, config })
  expect(kills).toBeGreaterThan(0)
  expect(broken).toContainEqual(expect.stringMatching(/^the session of .* was lost$/))
})
