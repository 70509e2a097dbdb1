/** Resets that are applied, refused or interrupted. Those that fail are in reset-faults.test.ts. */

import { beforeEach, describe, expect, test } from 'vitest'
import { failure } from '../../test/system/journal.ts'
import { answersOf, type Live, LiveWorld } from '../../test/system/live-world.ts'
import type { AnySystemConfig } from './define-system.ts'
import { createSystem, type System } from './lifecycle.ts'
import { gauge } from './measure.ts'
import type { ResetOptions } from './reset-plan.ts'

let world: LiveWorld
let system: System
const both = { adjust: true, handover: true }

beforeEach(() => {
  world = new LiveWorld()
})

/** The store, a handler over it, and a server over that. */
const chain = (
  changes: { store?: object; handler?: object; server?: object; code?: number; ways?: object } = {},
): AnySystemConfig => ({
  store: world.entry('store', 1, both, changes.store),
  handler: world.entry(
    'handler',
    changes.code ?? 1,
    { ...both, ...changes.ways },
    { on: ['store'], ...changes.handler },
  ),
  server: world.entry('server', 1, { adjust: true, connections: 3 }, { on: ['handler'], ...changes.server }),
})
const start = async (config: AnySystemConfig, options: Parameters<typeof createSystem>[1] = {}): Promise<void> => {
  system = createSystem(config, options) as System
  await system.start()
  for (const live of Object.values(system.map as unknown as Record<string, Live>)) live.entries.push('first')
  world.journal.length = 0
}
const instance = (name: string): Live => (system.map as unknown as Record<string, Live>)[name]!
const verdictsOf = ({ parts }: { parts: readonly { name: string; verdict: string }[] }) =>
  Object.fromEntries(parts.map(({ name, verdict }) => [name, verdict]))

describe('a reset that is applied', () => {
  test('touches nothing if nothing changed', async () => {
    await start(chain())
    const before = answersOf(system)
    const report = await system.apply(chain())
    expect(verdictsOf(report)).toEqual({ store: 'keep', handler: 'keep', server: 'keep' })
    expect(world.journal).toEqual([])
    expect(answersOf(system)).toEqual(before)
    expect(system.generation).toBe(2)
  })

  test('adjusts an instance, which stays the same', async () => {
    await start(chain())
    const store = instance('store')
    await system.apply(chain({ store: { value: 2 } }))
    expect(world.journal).toEqual(['adjust store', 'commit store', 'done store'])
    expect(instance('store')).toBe(store)
    expect(instance('store').answer()).toBe('store.1 active 2 [first]')
    expect(system.config).toMatchObject({ store: { config: { value: 2 } } })
  })

  test('reads the measures of an adjusted instance again; a list that is wrong leaves the former one', async () => {
    let lists: readonly string[][] = [['one'], ['one', 'two'], ['two', 'two']]
    const measured = (value: number): AnySystemConfig => {
      const entry = world.entry('store', 1, both, { value })
      const component = measuredComponent ?? {
        ...entry.component,
        measure: () => {
          const [names = [], ...later] = lists
          lists = later
          return names.map((name) => gauge(name, 'things', 'Things.', () => 1))
        },
      }
      measuredComponent = component
      return { store: { ...entry, component } }
    }
    let measuredComponent: AnySystemConfig[string]['component'] | undefined
    await start(measured(1))
    const names = (): string[] => system.measures().map(({ measure }) => measure.name)
    expect(names()).toEqual(['one'])
    expect((await system.apply(measured(2))).errors).toEqual([])
    expect(names()).toEqual(['one', 'two'])
    const { errors } = await system.apply(measured(3))
    expect(String(errors[0])).toContain('store failed: its measure')
    expect(names()).toEqual(['one', 'two'])
  })

  test('swaps an instance, whose successor continues, and adjusts what depends on it', async () => {
    await start(chain())
    const server = instance('server')
    const old = instance('handler')
    const report = await system.apply(chain({ code: 2 }))
    expect(verdictsOf(report)).toEqual({ store: 'keep', handler: 'swap', server: 'adjust' })
    expect(world.journal).toEqual([
      'prepare handler',
      'adjust server',
      // The rehearsal.
      'give handler',
      'census handler',
      // The cut-over.
      'census handler',
      'give handler',
      'take handler',
      'commit server',
      'census handler',
      'retire handler',
      'done server',
    ])
    expect(instance('server')).toBe(server)
    expect(old.phase).toBe('ended')
    expect(server.answer()).toBe(
      'server.1 active 1 [first] (handler.2 active 1 [first,taken by 2] (store.1 active 1 [first]))',
    )
    expect(world.alive).toEqual([instance('store'), server, instance('handler')])
  })

  test('applies everything in one turn, dependencies first', async () => {
    await start(chain())
    const turns: number[] = []
    let turn = 0
    let counting = true
    const count = (): void => {
      turn += 1
      if (counting) setImmediate(count)
    }
    setImmediate(count)
    world.onStep = (step) => {
      if (['commit', 'take'].includes(step)) turns.push(turn)
    }
    await system.apply(chain({ code: 2, store: { value: 2 }, server: { value: 2 } }))
    counting = false
    expect(new Set(turns).size).toBe(1)
    const applied = world.journal.filter((line) => /^(commit|take)/.test(line))
    expect(applied).toEqual(['commit store', 'take handler', 'commit server'])
  })

  test('migrates the state of an earlier version', async () => {
    await start(chain())
    await system.apply(chain({ code: 2, ways: { version: 2 } }))
    expect(world.journal).toContain('migrate handler')
    expect(instance('handler').code).toBe(2)
  })

  test('settles what runs before anything is changed, the last that started first', async () => {
    await start(chain())
    const settle = (name: string) => () => world.journal.push(`settle ${name}`)
    Object.assign(instance('store'), { settle: settle('store') })
    Object.assign(instance('server'), { settle: settle('server') })
    await system.apply(chain({ store: { value: 2 } }))
    expect(world.journal).toEqual(['adjust store', 'settle server', 'settle store', 'commit store', 'done store'])
  })

  test('restarts what can do neither, with what depends on it, and starts and stops the rest', async () => {
    const config = (value: number): AnySystemConfig => ({
      kept: world.entry('kept', 1, {}),
      plain: world.entry('plain', 1, { suspend: true }, { value, on: ['kept'] }),
      user: world.entry('user', 1, both, { on: ['plain'] }),
      [`only${value}`]: world.entry(`only${value}`, 1, {}),
    })
    await start(config(1))
    const kept = instance('kept')
    const report = await system.apply(config(2))
    expect(verdictsOf(report)).toEqual({
      kept: 'keep',
      plain: 'restart',
      user: 'restart',
      only2: 'start',
      only1: 'stop',
    })
    expect(world.journal.filter((line) => !line.endsWith('only2') && !line.endsWith('only1'))).toEqual([
      'stop user',
      'suspend plain',
      'resume plain',
      'start user',
    ])
    expect(instance('kept')).toBe(kept)
    expect(instance('plain').answer()).toBe('plain.1 active 2 [first] (kept.1 active 1 [first])')
    expect(Object.keys(system.map)).toEqual(['kept', 'only2', 'plain', 'user'])
    expect(world.alive).toHaveLength(4)
  })

  test('restarts a stateless component beside the old one, so that its dependents are never without it', async () => {
    const config = (code: number): AnySystemConfig => ({
      rules: world.entry('rules', code, { policy: true }),
      user: world.entry('user', 1, both, { policies: ['rules'] }),
    })
    await start(config(1))
    const user = instance('user')
    world.onStep = (step) => {
      if (step === 'commit') expect(user.dependencies.map(({ phase }) => phase)).toEqual(['active'])
      if (step === 'start') expect(user.answer()).toContain('rules.1 active')
    }
    const report = await system.apply(config(2))
    expect(verdictsOf(report)).toEqual({ rules: 'restart', user: 'adjust' })
    expect(world.journal).toEqual(['start rules', 'adjust user', 'commit user', 'done user', 'stop rules'])
    expect(user.answer()).toContain('rules.2 active')
  })

  test('starts what needs a swapped component after the cut-over', async () => {
    await start(chain())
    const late = { ...chain({ code: 2 }), late: world.entry('late', 1, {}, { on: ['handler'] }) }
    world.onStep = (step, name) => {
      if (step === 'start' && name === 'late') expect(instance('handler').code).toBe(2)
    }
    await system.apply(late)
    expect(instance('late').answer()).toContain('(handler.2 active')
  })

  test('swaps what refuses to be adjusted, and restarts it if it cannot be swapped', async () => {
    await start(chain())
    world.fault = { step: 'adjust', name: 'store', how: 'throw' }
    const report = await system.apply(chain({ store: { value: 2 } }))
    expect(verdictsOf(report)).toEqual({ store: 'swap', handler: 'adjust', server: 'keep' })
    world.fault = { step: 'adjust', name: 'server', how: 'reject' }
    const again = await system.apply(chain({ store: { value: 2 }, server: { value: 2 } }))
    expect(verdictsOf(again)).toEqual({ store: 'keep', handler: 'keep', server: 'restart' })
    expect(system.state).toBe('running')
  })

  test('plans again when an adjustment is refused after components were restarted', async () => {
    const config = (code: number): AnySystemConfig => ({
      plain: world.entry('plain', 1, { suspend: true, connections: 2 }, { value: code }),
      rules: world.entry('rules', code, { policy: true }),
      user: world.entry('user', 1, both, { policies: ['rules'] }),
    })
    await start(config(1))
    world.fault = { step: 'adjust', name: 'user', how: 'throw', times: 1 }
    const report = await system.apply(config(2))
    expect(verdictsOf(report)).toEqual({ plain: 'restart', rules: 'restart', user: 'swap' })
    expect(report.parts[0]?.reasons).toEqual(['config.value: 1 → 2'])
    expect(report.plan.connections).toEqual([{ listener: 'plain', keptUntouched: 0, repiped: 0, closed: 2 }])
    expect(instance('plain').answer()).toBe('plain.1 active 2 [first]')
    expect(instance('user').answer()).toBe('user.1 active 1 [first,taken by 1] (rules.2 active 1 [])')
    expect(new Set(world.alive)).toEqual(new Set(Object.values(system.map as unknown as Record<string, Live>)))
  })

  test('says what changed, and tells the listener of states', async () => {
    const changes: string[] = []
    await start(chain(), { onChange: ({ name, state }) => changes.push(`${name} ${state}`) })
    changes.length = 0
    const report = await system.apply(chain({ code: 2 }), { changedFiles: () => ['publish.ts'] })
    expect(report.parts).toMatchObject([
      { name: 'store', verdict: 'keep', reasons: [], ms: undefined },
      { name: 'handler', verdict: 'swap', reasons: ['publish.ts changed'], ms: expect.any(Number) },
      { name: 'server', verdict: 'adjust', reasons: ['handler is swapped'], ms: expect.any(Number) },
    ])
    expect(report.plan.connections).toEqual([{ listener: 'server', keptUntouched: 0, repiped: 3, closed: 0 }])
    expect(changes).toEqual(['handler running', 'server running'])
    expect(system.underWay).toEqual([])
  })

  test('leaves the map the same object, and the reader of the state undisturbed', async () => {
    await start(chain())
    const { map } = system
    world.onStep = () => expect(system.state).toBe('running')
    await system.apply(chain({ code: 2 }))
    expect(system.map).toBe(map)
    expect((map as unknown as Record<string, Live>)['handler']!.code).toBe(2)
  })
})

describe('a plan', () => {
  test('changes nothing, and says what apply then does', async () => {
    await start(chain())
    const plan = await system.plan(chain({ code: 2 }))
    expect(world.journal).toEqual([])
    expect(plan).toEqual({ ...(await system.apply(chain({ code: 2 }))).plan, refusals: [] })
  })

  test('of a system that does not run is a start', async () => {
    system = createSystem(chain()) as System
    expect(verdictsOf(await system.plan(chain()))).toEqual({ store: 'start', handler: 'start', server: 'start' })
  })

  test('of a config with problems reports them', async () => {
    await start(chain())
    const broken = { ...chain(), server: { ...chain()['server'], config: { value: 'x' } } }
    for (const attempt of [system.plan(broken), system.apply(broken)]) {
      expect(await failure(attempt)).toMatchObject({ code: 'CONFIG_INVALID' })
    }
    expect(world.journal).toEqual([])
  })
})

describe('keep: all', () => {
  const keep = { keep: 'all' } satisfies ResetOptions
  const restarting = () => ({ ...chain(), store: world.entry('store', 2, {}) })

  test('refuses to close connections of a listener that stays, and touches nothing', async () => {
    await start(chain())
    const before = answersOf(system)
    const error = await failure(system.apply(restarting(), keep))
    expect(error).toMatchObject({ code: 'RESET_REFUSED' })
    expect(error.message).toBe(
      'the reset would close connections that are to be kept, 3 of server; store must restart (its code changed); handler must restart (store is restarted); server must restart (handler is restarted)',
    )
    expect(world.journal).toEqual([])
    expect(answersOf(system)).toEqual(before)
    expect(system.state).toBe('running')
  })

  test('says why an adjustment was refused', async () => {
    await start(chain())
    world.fault = { step: 'adjust', name: 'server', how: 'throw' }
    const error = await failure(system.apply(chain({ server: { value: 2 } }), keep))
    expect(error).toMatchObject({ code: 'RESET_REFUSED', errors: [{ component: 'server', phase: 'adjust' }] })
    expect(error.message).toContain('; the adjust of server failed: boom')
    expect(world.journal).toEqual(['adjust server'])
  })

  test('allows what keeps connections, and a listener that is removed', async () => {
    await start(chain())
    await system.apply(chain({ code: 2, store: { value: 3 } }), keep)
    const { server: _, ...rest } = chain({ code: 2, store: { value: 3 } })
    await system.apply(rest, keep)
    expect(Object.keys(system.map)).toEqual(['store', 'handler'])
  })
})

describe('in turn', () => {
  test('resets are applied one after the other', async () => {
    await start(chain())
    const values = [2, 3, 4]
    const reports = await Promise.all(values.map((value) => system.apply(chain({ store: { value } }))))
    expect(reports.map(({ parts }) => parts[0]!.reasons)).toEqual([
      ['config.value: 1 → 2'],
      ['config.value: 2 → 3'],
      ['config.value: 3 → 4'],
    ])
    expect(system.generation).toBe(4)
  })

  test('only a system that runs can be reset', async () => {
    system = createSystem(chain()) as System
    expect(await failure(system.apply(chain()))).toMatchObject({ code: 'NOT_RUNNING' })
    await system.start()
    await system.stop()
    expect((await failure(system.apply(chain()))).code).toMatch(/NOT_RUNNING|START_INTERRUPTED/)
  })

  test.each(['adjust', 'prepare', 'suspend', 'start'])(
    'a stop during %s interrupts the reset and stops all',
    async (step) => {
      const plain = (value: number) => ({
        ...chain({ code: value, store: { value } }),
        plain: world.entry('plain', 1, { suspend: true }, { value }),
      })
      await start(plain(1))
      const config = { ...plain(2), fresh: world.entry('fresh', 1, {}) }
      const name = { adjust: 'store', prepare: 'handler', suspend: 'plain', start: 'fresh' }[step]!
      world.fault = { step, name, how: 'hang' }
      const reached = new Promise<void>((resolve) => {
        const look = (): void => void (world.journal.includes(`${step} ${name}`) ? resolve() : setImmediate(look))
        look()
      })
      const resetting = failure(system.apply(config))
      await reached
      await system.stop()
      expect((await resetting).code).toBe('START_INTERRUPTED')
      expect(system.state).toBe('stopped')
      expect(system.underWay).toEqual([])
      expect(world.alive).toEqual([])
    },
  )

  test('a stop before the reset has begun keeps it from beginning', async () => {
    await start(chain())
    const resetting = failure(system.apply(chain({ code: 2 })))
    await Promise.resolve()
    const stopping = system.stop()
    expect((await resetting).code).toBe('START_INTERRUPTED')
    await stopping
    expect(world.journal.filter((line) => !line.startsWith('stop'))).toEqual([])
    expect(world.alive).toEqual([])
  })

  test('a stop during a start after the cut-over stops all, and reports what does not stop', async () => {
    const config = (code: number): AnySystemConfig => ({
      ...chain({ code }),
      late: world.entry('late', 1, {}, { on: ['handler'] }),
    })
    await start(config(1))
    let stopping: Promise<unknown> | undefined
    world.onStep = (step, name) => {
      if (step === 'start' && name === 'late') stopping = failure(system.stop())
      if (step === 'stop' && name === 'store') throw new Error('stuck')
    }
    expect((await failure(system.apply(config(2)))).code).toBe('START_INTERRUPTED')
    expect(await stopping).toMatchObject({ code: 'STOP_FAILED', errors: [{ component: 'store' }] })
    expect(system.state).toBe('stopped')
    expect(world.alive).toEqual([])
  })

  test('a stop in the turn of the cut-over waits for it', async () => {
    await start(chain())
    let stopped: Promise<void> | undefined
    world.onStep = (step) => {
      if (step === 'take') stopped = system.stop()
    }
    await system.apply(chain({ code: 2 })).catch(() => undefined)
    await stopped
    expect(system.state).toBe('stopped')
    expect(world.alive).toEqual([])
  })
})
