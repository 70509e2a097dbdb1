/** A successor that cannot continue from the state of its predecessor says so before the reset is applied. */

import { beforeEach, expect, test } from 'vitest'
import { failure } from '../../test/system/journal.ts'
import { LiveWorld } from '../../test/system/live-world.ts'
import type { ComponentScope } from './component-scope.ts'
import type { AnySystemConfig } from './define-system.ts'
import { createSystem, type System } from './lifecycle.ts'

let world: LiveWorld
let system: System

const config = (code: number): AnySystemConfig => ({
  store: world.entry('store', 1, {}),
  server: world.entry(
    'server',
    code,
    { adjust: true, handover: true, rehearse: true, connections: 2 },
    { on: ['store'] },
  ),
  user: world.entry('user', 1, { adjust: true }, { on: ['server'] }),
})

beforeEach(async () => {
  world = new LiveWorld()
  system = createSystem(config(1)) as System
  await system.start()
  world.journal.length = 0
})

const verdictsOf = ({ parts }: Awaited<ReturnType<System['apply']>>): unknown =>
  Object.fromEntries(parts.map(({ name, verdict }) => [name, verdict]))

test('it is asked with the state, after it was prepared and before anything is applied', async () => {
  const report = await system.apply(config(2))
  expect(verdictsOf(report)).toEqual({ store: 'keep', server: 'swap', user: 'adjust' })
  const steps = world.journal.filter((step) => step.endsWith(' server') && !step.startsWith('census'))
  expect(steps).toEqual([
    'prepare server',
    'give server',
    'rehearse server',
    'give server',
    'take server',
    'retire server',
  ])
})

test.each(['throw', 'reject'] as const)('it is restarted if it cannot (%s)', async (how) => {
  world.fault = { step: 'rehearse', name: 'server', how }
  const report = await system.apply(config(2))
  expect(verdictsOf(report)).toEqual({ store: 'keep', server: 'restart', user: 'restart' })
  expect(report.plan.connections).toEqual([{ listener: 'server', keptUntouched: 0, repiped: 0, closed: 2 }])
  expect(new Set(world.alive)).toEqual(new Set(Object.values(system.map)))
})

test('a reset that is to keep all connections is refused then, with the reason', async () => {
  world.fault = { step: 'rehearse', name: 'server', how: 'throw' }
  const error = await failure(system.apply(config(2), { keep: 'all' }))
  expect(error).toMatchObject({
    code: 'RESET_REFUSED',
    message: expect.stringContaining('the rehearse of server failed: boom'),
  })
  expect(new Set(world.alive)).toEqual(new Set(Object.values(system.map)))
})

test('a reset fails when it takes too long', async () => {
  world.fault = { step: 'rehearse', name: 'server', how: 'hang' }
  const error = await failure(system.apply(config(2)))
  expect(error).toMatchObject({ code: 'RESET_FAILED', phase: 'rehearse', component: 'server' })
  expect(new Set(world.alive)).toEqual(new Set(Object.values(system.map)))
})

/** Ends when the test says so. */
const later = (): { readonly until: Promise<void>; end(): Promise<void> } => {
  let resolve = (): void => {}
  const until = new Promise<void>((done) => {
    resolve = done
  })
  const end = async (): Promise<void> => {
    resolve()
    await new Promise(setImmediate)
  }
  return { until, end }
}

const discarded = (): number => world.journal.filter((step) => step === 'discard server').length

test('what it has prepared when it ends after its deadline is discarded', async () => {
  const { until, end } = later()
  world.fault = { step: 'rehearse', name: 'server', how: 'hang', until }
  await failure(system.apply(config(2)))
  expect(discarded()).toBe(1)
  await end()
  expect(discarded()).toBe(2)
})

test('a successor that is ready after its deadline is discarded, also when the system was stopped meanwhile', async () => {
  const { until, end } = later()
  world.fault = { step: 'prepare', name: 'server', how: 'hang', until }
  const next = config(2)
  const failed = failure(system.apply({ ...next, server: { ...next['server']!, startDeadlineMs: 200 } }))
  while (!world.journal.includes('prepare server')) await new Promise(setImmediate)
  await Promise.all([system.stop(), failed])
  expect(await failed).toMatchObject({ code: 'START_INTERRUPTED' })
  await end()
  expect(discarded()).toBe(1)
  expect(world.alive).toEqual([])
})

test('what it makes counts for the component', async () => {
  const running: string[] = []
  const scope: ComponentScope = {
    begin: (name) => ({ name }),
    run: ({ name }, work) => {
      running.push(name)
      try {
        return work()
      } finally {
        running.pop()
      }
    },
    succeed: () => {},
    end: () => {},
  }
  system = createSystem(config(1), { scope }) as System
  await system.start()
  let owner: string | undefined
  world.onStep = (step) => {
    if (step === 'rehearse') owner = running.at(-1)
  }
  await system.apply(config(2))
  expect(owner).toBe('server')
})
