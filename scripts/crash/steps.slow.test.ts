import { resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BuiltCopy } from './built-copy.ts'
import { canLimitFiles, runFullDisk } from './full-disk.ts'
import { powerObstacle, runPowerCuts } from './power.ts'
import { runSteps } from './steps.ts'

let built: BuiltCopy
beforeAll(() => {
  built = BuiltCopy.make(resolve(import.meta.dirname, '../..'))
})
afterAll(() => built.remove())

test('a broker that is killed at a step of its store keeps its promises', async () => {
  const result = await runSteps(built, { every: 40, most: 1, settings: [] })
  expect(result).toMatchObject({ kills: 1, steps: 40, broken: [] })
  expect(result.received).toBeGreaterThan(0)
})

// The control: what is acknowledged before it is written is lost when the first commit begins, which is that of the stop.
test('a broker that acknowledges before the commit breaks them', async () => {
  const settings = ['store.durability=buffered', 'store.bufferedMs=60000']
  const { kills, broken } = await runSteps(built, { every: 1, most: 1, settings })
  expect(kills).toBe(1)
  expect(broken).not.toEqual([])
})

const cuts = { cuts: 10, seed: 1, messages: 20 }

test.runIf(powerObstacle() === undefined)('a power cut takes nothing that was acknowledged', async () => {
  const result = await runPowerCuts(built, { ...cuts, settings: [] })
  expect(result).toMatchObject({ cuts: 10, acknowledged: 80, broken: [] })
  expect(result.syncs).toBeGreaterThan(10)
})

test.runIf(powerObstacle() === undefined)('without syncs it does, and the files are damaged', async () => {
  const { broken } = await runPowerCuts(built, { ...cuts, settings: ['store.syncs=false'] })
  expect(broken).not.toEqual([])
})

test.runIf(canLimitFiles())('when the disk was full the broker goes on, and nothing is lost', async () => {
  const { before, acknowledged, broken } = await runFullDisk(built, { settings: [], next: 'room' })
  expect(broken).toEqual([])
  expect(acknowledged).toBeGreaterThan(before)
})
