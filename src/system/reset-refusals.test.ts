/** A plan says what `apply` with the same options refuses. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { failure } from '../../test/system/journal.ts'
import { LiveWorld } from '../../test/system/live-world.ts'
import type { AnySystemConfig } from './define-system.ts'
import { createSystem, type System } from './lifecycle.ts'

const keep = { keep: 'all' } as const
/** Files are read at the start, which takes long on a busy machine. */
const inTime = { startDeadlineMs: 10_000, stopDeadlineMs: 10_000 }

let world: LiveWorld
let system: System
let folder: string
beforeEach(() => {
  world = new LiveWorld()
  folder = mkdtempSync(join(tmpdir(), 'reset-refusals-'))
  writeFileSync(path('passwords'), 'ann')
})
afterEach(async () => {
  await system.stop()
  rmSync(folder, { recursive: true })
})

const path = (name: string): string => join(folder, name)
/** A server that can be adjusted, and users of whom a file is read, who cannot. */
const config = ({ code = 1, file = 'passwords' } = {}): AnySystemConfig => {
  const users = world.entry('users', 1, {}, inTime)
  readers.set(file, readers.get(file) ?? { ...users.component, reads: () => [path(file)] })
  return {
    users: { ...users, component: readers.get(file)! },
    server: world.entry('server', code, { connections: 3, ...(code === 1 && { adjust: true }) }, inTime),
  }
}
const readers = new Map<string, AnySystemConfig[string]['component']>()
const start = async (): Promise<void> => {
  readers.clear()
  system = createSystem(config()) as System
  await system.start()
  world.journal.length = 0
}

const closing = (restarts: string): string =>
  `the reset would close connections that are to be kept, 3 of server; ${restarts}`
const oneWay = () => `users would have to restart for ${path('passwords')}, and could not go back if that failed`

test.each([
  [
    'connections of a listener that stays are closed',
    false,
    { code: 2 },
    () => [closing('server must restart (its code changed)')],
  ],
  ['a component restarts for a changed file', true, {}, () => [oneWay()]],
  [
    'both',
    true,
    { code: 2 },
    () => [
      closing(`users must restart (${path('passwords')} changed); server must restart (its code changed)`),
      oneWay(),
    ],
  ],
])('a plan is refused if %s, in the words of the error', async (_, isFileChanged, next, refusals) => {
  await start()
  if (isFileChanged) writeFileSync(path('passwords'), 'ann, bob')
  const plan = await system.plan(config(next), keep)
  expect(plan.refusals).toEqual(refusals())
  const error = await failure(system.apply(config(next), keep))
  expect(error).toMatchObject({ code: 'RESET_REFUSED', message: plan.refusals.join('; ') })
  expect(world.journal).toEqual([])
})

test('a plan that keeps all connections has no refusals', async () => {
  await start()
  const adjusted = config()
  const { refusals, parts } = await system.plan(
    { ...adjusted, server: { ...adjusted['server']!, config: { value: 2 } } },
    keep,
  )
  expect(refusals).toEqual([])
  expect(parts.find(({ name }) => name === 'server')).toMatchObject({ verdict: 'adjust' })
})

test('another file, not known before, is no refusal: the one before is there to go back to', async () => {
  await start()
  writeFileSync(path('others'), 'bob')
  expect((await system.plan(config({ file: 'others' }), keep)).refusals).toEqual([])
})

test('a reset that may close connections refuses nothing', async () => {
  await start()
  writeFileSync(path('passwords'), 'ann, bob')
  expect((await system.plan(config({ code: 2 }))).refusals).toEqual([])
  await system.apply(config({ code: 2 }))
  expect(world.journal).toContain('start server')
})

test('what a component refuses when it is asked is not in the plan', async () => {
  await start()
  world.fault = { step: 'adjust', name: 'server', how: 'throw' }
  const present = config()
  const next = { ...present, server: { ...present['server']!, config: { value: 2 } } }
  expect((await system.plan(next, keep)).refusals).toEqual([])
  expect(await failure(system.apply(next, keep))).toMatchObject({
    code: 'RESET_REFUSED',
    message: expect.stringContaining('the adjust of server failed: boom'),
  })
})
