/** A system that starts what is available, and its retry. */

import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  type Behaviour,
  boom,
  deferred,
  failure,
  statesOf,
  things,
  thingsConfig,
  turn,
} from '../../test/system/journal.ts'
import { type AnySystemConfig, defineComponent } from './define-system.ts'
import { kind, optional } from './kind.ts'
import { createSystem } from './lifecycle.ts'

/** Fails as long as `isBroken`. */
const fragile = () => {
  const fault = { isBroken: true }
  const behaviour: Behaviour = { start: () => (fault.isBroken ? boom() : { name: 'fragile' }) }
  return { fault, behaviour }
}
const available = { start: 'available' } as const

describe("start: 'available'", () => {
  test('what depends on a component that fails is blocked, and the rest runs', async () => {
    const { system, journal } = things({ a: [], b: ['a'], c: ['b'], other: [] }, { a: { start: boom } }, available)
    await system.start()
    expect(system).toMatchObject({ state: 'running', degraded: true })
    expect(statesOf(system)).toEqual({ a: 'failed', b: 'blocked', c: 'blocked', other: 'running' })
    const [a, , b, c] = system.status()
    expect(a!.error).toMatchObject({ code: 'START_FAILED', component: 'a' })
    expect([b!.blockedBy, c!.blockedBy]).toEqual([['a'], ['a']])
    await system.stop()
    expect(system.degraded).toBe(false)
    expect(journal).toEqual(['start a', 'start other', 'stop other'])
  })

  test('blocks at once, while another dependency still starts', async () => {
    const slow = deferred<{ name: string }>()
    const { system } = things(
      { bad: [], slow: [], user: ['bad', 'slow'] },
      { bad: { start: boom }, slow: { start: () => slow.promise } },
      available,
    )
    const started = system.start()
    await turn()
    expect(statesOf(system)).toEqual({ bad: 'failed', slow: 'starting', user: 'blocked' })
    slow.resolve({ name: 'slow' })
    await started
    expect(statesOf(system)).toEqual({ bad: 'failed', slow: 'running', user: 'blocked' })
    await system.stop()
  })

  test('a second failure is named as well', async () => {
    const late = deferred<{ name: string }>()
    const { system } = things(
      { x: [], bad: [], late: [], user: ['bad', 'late'] },
      { bad: { start: boom }, late: { start: () => late.promise } },
      available,
    )
    const started = system.start()
    await turn()
    late.reject(new Error('late'))
    await started
    expect(system.status().find(({ name }) => name === 'user')!.blockedBy).toEqual(['bad', 'late'])
    await system.stop()
  })

  test('an optional dependency that fails blocks: it does not count as none', async () => {
    const Guard = kind<object>()('Guard')
    const Door = kind<object>()('Door')
    const config = z.object({})
    const guard = defineComponent({ provides: Guard, needs: {}, config, start: (): object => boom() })
    const door = defineComponent({ provides: Door, needs: { guard: optional(Guard) }, config, start: () => ({}) })
    const other = defineComponent({ provides: Door, needs: {}, config, start: () => ({}) })
    await using system = createSystem(
      {
        guard: { component: guard },
        door: { component: door, dependencies: { guard: 'guard' } },
        other: { component: other },
      },
      available,
    )
    await system.start()
    expect(system.status().map(({ name, state }) => [name, state])).toEqual([
      ['guard', 'failed'],
      ['other', 'running'],
      ['door', 'blocked'],
    ])
  })

  test('rejects when nothing runs', async () => {
    const { system } = things({ a: [], b: ['a'] }, { a: { start: boom } }, available)
    expect(await failure(system.start())).toMatchObject({ code: 'START_FAILED', component: 'a' })
    expect(system).toMatchObject({ state: 'failed', degraded: false })
  })

  test('an instance whose measures are wrong is stopped', async () => {
    const config = thingsConfig({ a: [], b: [] })
    const stopped: unknown[] = []
    const component = {
      ...config['a']!.component,
      measure: () => [{ name: 'Bad' }],
      stop: (a: unknown) => void stopped.push(a),
    }
    const broken = { ...config, a: { ...config['a']!, component } } as unknown as AnySystemConfig
    await using system = createSystem(broken, available)
    await system.start()
    expect(statesOf(system)).toEqual({ a: 'failed', b: 'running' })
    expect(stopped).toEqual([{ name: 'a' }])
  })

  test('without it, a failure stops everything', async () => {
    const { system } = things({ a: [], b: [] }, { a: { start: boom } })
    expect(await failure(system.start())).toMatchObject({ code: 'START_FAILED' })
    expect(statesOf(system)).toEqual({ a: 'failed', b: 'stopped' })
  })
})

describe('retry', () => {
  test('starts what failed and what was blocked, and touches nothing else', async () => {
    const { fault, behaviour } = fragile()
    const { system, journal } = things(
      { fragile: [], user: ['fragile', 'other'], other: [] },
      { fragile: behaviour },
      available,
    )
    await system.start()
    const { other } = { ...system.map } as Record<string, unknown>
    journal.length = 0
    const again = await system.retry()
    expect(again.errors).toMatchObject([{ code: 'START_FAILED', component: 'fragile' }])
    expect(system).toMatchObject({ state: 'running', degraded: true })
    fault.isBroken = false
    const report = await system.retry()
    expect(report.errors).toEqual([])
    expect(report.parts.map(({ name, verdict }) => [name, verdict])).toEqual([
      ['fragile', 'start'],
      ['other', 'keep'],
      ['user', 'start'],
    ])
    expect(journal).toEqual(['start fragile', 'start fragile', 'start user'])
    expect(system).toMatchObject({ state: 'running', degraded: false })
    expect((system.map as Record<string, unknown>)['other']).toBe(other)
    await system.stop()
    expect(journal.slice(3)).toEqual(['stop user', 'stop other', 'stop fragile'])
  })

  test('of a system of which all runs does nothing', async () => {
    const { system, journal } = things({ a: [] })
    await system.start()
    const { parts } = await system.retry()
    expect(parts).toMatchObject([{ name: 'a', verdict: 'keep' }])
    await system.stop()
    expect(await failure(system.retry())).toMatchObject({ code: 'START_INTERRUPTED' })
    expect(journal).toEqual(['start a', 'stop a'])
  })

  test('a reset starts them as well, and what fails again does not fail it', async () => {
    const { fault, behaviour } = fragile()
    const graph = { fragile: [], user: ['fragile'], other: [] }
    const { system } = things(graph, { fragile: behaviour }, available)
    await system.start()
    const { errors } = await system.apply({ ...system.config, more: thingsConfig({ more: [] })['more']! })
    expect(errors).toMatchObject([{ code: 'START_FAILED', component: 'fragile' }])
    expect(statesOf(system)).toEqual({ fragile: 'failed', other: 'running', more: 'running', user: 'blocked' })
    fault.isBroken = false
    await system.apply(system.config)
    expect(system.degraded).toBe(false)
    await system.stop()
  })

  test('a reset fails when something that ran needs what does not start', async () => {
    const { system } = things({ a: [], b: [] }, {}, available)
    await system.start()
    const config = thingsConfig({ bad: [], a: ['bad'], b: [] }, { bad: { start: boom } })
    expect(await failure(system.apply(config))).toMatchObject({ code: 'RESET_FAILED', component: 'bad' })
    expect(statesOf(system)).toEqual({ a: 'running', b: 'running' })
    expect(system.degraded).toBe(false)
    await system.stop()
  })

  test('state that was suspended waits for a component that did not resume', async () => {
    const fault = { isBroken: true }
    const store: Behaviour = {
      suspend: () => 'words',
      resume: (_config, _dependencies, state) => (fault.isBroken ? boom() : { name: String(state) }),
    }
    const before = things({ store: [], other: [] }, { store })
    await before.system.start()
    const suspended = await before.system.suspend()
    const { system } = things({ store: [], other: [] }, { store }, { ...available, suspended })
    await system.start()
    expect(statesOf(system)).toEqual({ store: 'failed', other: 'running' })
    expect(before.journal.at(-1)).toBe('suspend store')
    fault.isBroken = false
    await system.retry()
    expect((system.map as Record<string, unknown>)['store']).toEqual({ name: 'words' })
    await system.stop()
  })

  test('a stop releases it', async () => {
    const store: Behaviour = { suspend: () => 'words', resume: boom }
    const before = things({ store: [], other: [] }, { store })
    await before.system.start()
    const suspended = await before.system.suspend()
    const { system } = things({ store: [], other: [] }, { store }, { ...available, suspended })
    await system.start()
    await system.stop()
    expect(before.journal.at(-1)).toBe('stop store')
  })
})
