import { test } from 'vitest'
import { isFullRun } from '../helpers/full-run.ts'
import { allFaults, networkFaults } from './exactly-once/commands.ts'
import { survives } from './exactly-once/survives.ts'

test('QoS 1 comes at least once, QoS 2 exactly once, all in order, with any network failures', async () => {
  await survives(networkFaults, isFullRun ? 400 : 15)
})

test('QoS 1 and 2 keep their promises when the broker crashes and comes back with what was durable', async () => {
  await survives(allFaults, isFullRun ? 600 : 25)
})
