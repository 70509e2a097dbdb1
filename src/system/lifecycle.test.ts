import { inspect } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { isFullRun } from '../../test/helpers/full-run.ts'
import {
  boom,
  deferred,
  failure,
  statesOf,
  type Thing,
  things,
  thingsConfig,
  turn,
  untilAborted,
} from '../../test/system/journal.ts'
import type { AnySystemConfig } from './define-system.ts'
import { createSystem } from './lifecycle.ts'

describe('starting', () => {
  it('starts each component after those it depends on, in the order of the config otherwise, and stops in reverse', async () => {
    const { system, journal } = things({ server: ['handler', 'log'], handler: ['log'], log: [], other: [] })
    expect(system.order).toEqual(['log', 'other', 'handler', 'server'])
    expect(system.state).toBe('created')
    await system.start()
    expect(system.state).toBe('running')
    expect(journal).toEqual(['start log', 'start other', 'start handler', 'start server'])
    await system.stop()
    expect(system.state).toBe('stopped')
    expect(journal.slice(4)).toEqual(['stop server', 'stop other', 'stop handler', 'stop log'])
  })

  it('starts independent components at the same time, and a dependent as soon as its own dependencies run', async () => {
    const slow = deferred<Thing>()
    const { system, journal } = things(
      { slow: [], quick: [], dependent: ['quick'] },
      { slow: { start: () => slow.promise } },
    )
    const started = system.start()
    await turn()
    expect(journal).toEqual(['start slow', 'start quick', 'start dependent'])
    expect(statesOf(system)).toEqual({ slow: 'starting', quick: 'running', dependent: 'running' })
    expect(system.state).toBe('starting')
    slow.resolve({ name: 'slow' })
    await started
    expect(system.state).toBe('running')
  })

  it('hands over the instances in the order listed, leaving out what is disabled', async () => {
    const start = vi.fn((_config, { on }) => ({ name: on.map(({ name }: Thing) => name).join() }))
    const { system } = things(
      { last: ['b', 'off', 'a'], a: [], b: [], off: [] },
      { last: { start }, off: { enabled: false } },
    )
    await system.start()
    expect((system.map as Record<string, Thing>)['last']).toEqual({ name: 'b,a' })
    expect(statesOf(system)).toEqual({ a: 'running', b: 'running', last: 'running', off: 'disabled' })
  })

  it('measures how long each start took', async () => {
    const { system } = things({ a: [], b: [] }, { b: { enabled: false } })
    await system.start()
    const [a, b] = system.status()
    expect(a!.startMs).toBeGreaterThanOrEqual(0)
    expect(b!.startMs).toBeUndefined()
  })

  it('refuses a second start, also after a stop', async () => {
    const { system, journal } = things({ a: [] })
    await system.start()
    expect(await failure(system.start())).toMatchObject({ code: 'ALREADY_STARTED' })
    await system.stop()
    expect(await failure(system.start())).toMatchObject({ code: 'ALREADY_STARTED' })
    expect(journal).toEqual(['start a', 'stop a'])
  })

  it('refuses an unsound config before anything starts', () => {
    const config = thingsConfig({ a: ['b'], c: ['d'] })
    expect(() => createSystem(config)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', problems: [expect.anything(), expect.anything()] }),
    )
  })

  it('starts nothing for an empty config', async () => {
    const { system } = things({})
    await system.start()
    expect(system.state).toBe('running')
    await system.stop()
  })

  it.each([isFullRun ? 10_000 : 1_000])('starts and stops a chain of %i components', async (length) => {
    const graph = Object.fromEntries(Array.from({ length }, (_, i) => [`c${i}`, i === 0 ? [] : [`c${i - 1}`]]))
    const { system, journal } = things(graph)
    await system.start()
    await system.stop()
    expect(journal).toHaveLength(2 * length)
    expect(journal.at(-1)).toBe('stop c0')
  })
})

describe('a failed start', () => {
  it('is undone in reverse order, and the error names the failed component, the cause and the blocked components', async () => {
    const cause = new Error('no such disk')
    const { system, journal } = things(
      { server: ['store', 'log'], store: ['log'], log: [], late: ['server'] },
      { store: { start: () => Promise.reject(cause) } },
    )
    const error = await failure(system.start())
    expect(error).toMatchObject({ code: 'START_FAILED', component: 'store', phase: 'start', errors: [] })
    expect(error.message).toBe('the start of store failed: no such disk')
    expect(error.cause).toBe(cause)
    expect(error.system).toBe(system)
    expect(journal).toEqual(['start log', 'start store', 'stop log'])
    expect(system.state).toBe('failed')
    expect(statesOf(system)).toEqual({ log: 'stopped', store: 'failed', server: 'blocked', late: 'blocked' })
    expect(system.status().find(({ name }) => name === 'late')!.blockedBy).toEqual(['store'])
    await system.stop()
    expect(journal).toHaveLength(3)
  })

  it.each([
    ['an error', new Error('boom'), 'boom'],
    ['a string', 'boom', 'boom'],
    ['undefined', undefined, 'undefined was thrown'],
    ['null', null, 'null was thrown'],
  ])('is reported for a synchronous throw of %s as for a rejection', async (_, thrown, message) => {
    for (const start of [
      () => {
        throw thrown
      },
      () => Promise.reject(thrown),
    ]) {
      const error = await failure(things({ a: [] }, { a: { start } }).system.start())
      expect(error).toMatchObject({
        code: 'START_FAILED',
        component: 'a',
        message: `the start of a failed: ${message}`,
      })
    }
  })

  it.each([undefined, null])('is a start that returns %s where an instance is promised', async (nothing) => {
    const { system, journal } = things({ a: [], b: ['a'] }, { b: { start: () => nothing as never } })
    const error = await failure(system.start())
    expect(error).toMatchObject({ code: 'START_RETURNED_NOTHING', component: 'b' })
    expect(error.message).toContain('where Thing is promised')
    expect(journal).toEqual(['start a', 'start b', 'stop a'])
  })

  it('launches nothing more, aborts what is under way, and waits for it', async () => {
    const obeying = vi.fn(({ signal }) => untilAborted(signal))
    const slow = deferred<Thing>()
    const { system, journal } = things(
      { bad: ['first'], obeying: [], slow: [], first: [], never: ['slow'] },
      {
        bad: { start: boom },
        obeying: { start: (_c, _d, context) => obeying(context) },
        slow: { start: () => slow.promise },
      },
    )
    const started = failure(system.start())
    await turn()
    expect(statesOf(system)).toMatchObject({ bad: 'failed', obeying: 'stopped', slow: 'starting', first: 'running' })
    slow.resolve({ name: 'slow' })
    expect(await started).toMatchObject({ component: 'bad', errors: [] })
    // The slow one came too late to be of use, and was stopped like those that ran.
    expect(journal.slice(-2).sort()).toEqual(['stop first', 'stop slow'])
    expect(journal).not.toContain('start never')
    expect(statesOf(system)).toMatchObject({ slow: 'stopped', never: 'waiting' })
  })

  it('keeps the configs, which may hold passwords, out of what a logger prints of the error', async () => {
    const config = thingsConfig({ a: [] }, { a: { start: boom } })
    const component = { ...config['a']!.component, config: z.object({ password: z.string() }) }
    const error = await failure(
      createSystem({ a: { ...config['a'], component, config: { password: 'pa55' } } } as AnySystemConfig).start(),
    )
    expect(error.system?.config['a']?.config).toEqual({ password: 'pa55' })
    expect(inspect(error, { depth: null }) + JSON.stringify(error)).not.toContain('pa55')
  })

  it('reports every component that failed, the first as the cause', async () => {
    const { system } = things(
      { one: [], two: [], both: ['one', 'two'] },
      {
        one: { start: () => Promise.reject(new Error('first')) },
        two: { start: () => Promise.reject(new Error('second')) },
      },
    )
    const error = await failure(system.start())
    expect(error).toMatchObject({ component: 'one', errors: [{ code: 'START_FAILED', component: 'two' }] })
    expect(system.status().at(-1)).toMatchObject({ name: 'both', state: 'blocked', blockedBy: ['one', 'two'] })
  })

  it('also reports what could not be undone', async () => {
    const { system, journal } = things({ a: [], b: [], c: ['a', 'b'] }, { b: { stop: boom }, c: { start: boom } })
    const error = await failure(system.start())
    expect(error).toMatchObject({ component: 'c', errors: [{ code: 'STOP_FAILED', component: 'b' }] })
    expect(journal).toContain('stop a')
  })
})

describe('stopping', () => {
  it('stops the rest when one fails, synchronously or not, and reports all failures in order', async () => {
    const { system, journal } = things(
      { a: [], b: ['a'], c: ['b'], d: ['c'] },
      { b: { stop: () => Promise.reject('gone') }, c: { stop: boom } },
    )
    await system.start()
    const error = await failure(system.stop())
    expect(error).toMatchObject({
      code: 'STOP_FAILED',
      errors: [{ component: 'c' }, { component: 'b', cause: 'gone' }],
    })
    expect(journal.slice(4)).toEqual(['stop d', 'stop c', 'stop b', 'stop a'])
    expect(system.state).toBe('stopped')
    expect(system.status().find(({ name }) => name === 'c')).toMatchObject({ state: 'failed', error: error.errors[0] })
    expect(statesOf(system)).toEqual({ a: 'stopped', b: 'failed', c: 'failed', d: 'stopped' })
  })

  it('leaves a component failed whose stop passed its deadline', async () => {
    const { system } = things({ a: [], b: ['a'] }, { b: { stop: () => new Promise(() => {}), stopDeadlineMs: 1 } })
    await system.start()
    expect(await failure(system.stop())).toMatchObject({ code: 'STOP_FAILED', errors: [{ component: 'b' }] })
    expect(statesOf(system)).toEqual({ a: 'stopped', b: 'failed' })
  })

  it('happens at the end of the block in which `await using` declares the system', async () => {
    const { system, journal } = things({ a: [], b: ['a'] })
    {
      await using running = system
      await running.start()
      expect(journal).toEqual(['start a', 'start b'])
    }
    expect(journal).toEqual(['start a', 'start b', 'stop b', 'stop a'])
    expect(system.state).toBe('stopped')
  })

  it('keeps a component until all that depend on it have stopped, and stops independent ones together', async () => {
    const slow = deferred<void>()
    const { system, journal } = things(
      { base: [], slow: ['base'], quick: ['base'] },
      { slow: { stop: () => slow.promise } },
    )
    await system.start()
    const stopped = system.stop()
    await turn()
    expect(journal.slice(3)).toEqual(['stop quick', 'stop slow'])
    expect(statesOf(system)).toEqual({ base: 'running', slow: 'stopping', quick: 'stopped' })
    slow.resolve()
    await stopped
    expect(journal.at(-1)).toBe('stop base')
  })

  it('happens once, however often it is called', async () => {
    const { system, journal } = things({ a: [] })
    await system.start()
    const first = system.stop()
    expect(system.stop()).toBe(first)
    await first
    await system.stop()
    expect(journal).toEqual(['start a', 'stop a'])
  })

  it('calls nothing when nothing was started', async () => {
    const { system, journal } = things({ a: [], b: [] }, { b: { enabled: false } })
    await system.stop()
    expect(system.state).toBe('stopped')
    expect(statesOf(system)).toEqual({ a: 'stopped', b: 'disabled' })
    expect(journal).toEqual([])
  })

  it('passes over a component that has no stop', async () => {
    const config = thingsConfig({ a: [], b: ['a'] })
    const { stop: _, ...component } = config['b']!.component
    const system = createSystem({ ...config, b: { ...config['b']!, component } })
    await system.start()
    await system.stop()
    expect(statesOf(system as never)).toEqual({ a: 'stopped', b: 'stopped' })
  })

  it('interrupts a start under way, which then rejects, and ends when all is down', async () => {
    const slow = deferred<Thing>()
    const { system, journal } = things(
      { a: [], obeying: ['a'], slow: ['a'], never: ['slow'] },
      { obeying: { start: (_c, _d, { signal }) => untilAborted(signal) }, slow: { start: () => slow.promise } },
    )
    const started = failure(system.start())
    await turn()
    const stopped = system.stop()
    await turn()
    expect(statesOf(system)).toMatchObject({ a: 'running', obeying: 'stopped', slow: 'starting' })
    slow.resolve({ name: 'slow' })
    await stopped
    expect(await started).toMatchObject({ code: 'START_INTERRUPTED', errors: [] })
    expect(journal).toEqual(['start a', 'start obeying', 'start slow', 'stop slow', 'stop a'])
    expect(system.state).toBe('stopped')
    expect(new Set(Object.values(statesOf(system)))).toEqual(new Set(['stopped']))
  })

  it('tells both callers when an interrupted start cannot be undone', async () => {
    const slow = deferred<Thing>()
    const { system } = things({ a: [], slow: ['a'] }, { a: { stop: boom }, slow: { start: () => slow.promise } })
    const started = failure(system.start())
    await turn()
    const stopped = failure(system.stop())
    slow.reject(new Error('broken'))
    expect(await started).toMatchObject({
      code: 'START_INTERRUPTED',
      errors: [{ component: 'slow' }, { component: 'a' }],
    })
    expect(await stopped).toMatchObject({ code: 'STOP_FAILED', errors: [{ component: 'a' }] })
  })

  it('waits for the undo of a failed start, whose errors the start reports', async () => {
    const slow = deferred<void>()
    const { system } = things({ a: [], b: ['a'] }, { a: { stop: () => slow.promise }, b: { start: boom } })
    const started = failure(system.start())
    await turn()
    let down = false
    const stopped = system.stop().then(() => {
      down = true
    })
    await turn()
    expect(down).toBe(false)
    slow.reject(new Error('stuck'))
    await stopped
    expect(await started).toMatchObject({ code: 'START_FAILED', component: 'b', errors: [{ component: 'a' }] })
    expect(system.state).toBe('failed')
  })
})

describe('onChange', () => {
  it('sees every change of state', async () => {
    const changes: string[] = []
    const { system } = things(
      { a: [], b: ['a'] },
      {},
      { onChange: ({ name, state }) => changes.push(`${name} ${state}`) },
    )
    await system.start()
    await system.stop()
    expect(changes).toEqual(
      ['a starting', 'a running', 'b starting', 'b running'].concat([
        'b stopping',
        'b stopped',
        'a stopping',
        'a stopped',
      ]),
    )
  })

  it('breaks nothing by throwing, and is warned about', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockReturnValue(undefined)
    const { system, journal } = things({ a: [], b: ['a'] }, {}, { onChange: boom })
    await system.start()
    await system.stop()
    expect(journal).toHaveLength(4)
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('boom'))
    warn.mockRestore()
  })

  it('may stop the system', async () => {
    const { system, journal } = things(
      { a: [], b: ['a'] },
      {},
      { onChange: ({ name, state }) => (name === 'b' && state === 'starting' ? void system.stop() : undefined) },
    )
    expect(await failure(system.start())).toMatchObject({ code: 'START_INTERRUPTED' })
    expect(journal).toEqual(['start a', 'stop a'])
    expect(statesOf(system)).toEqual({ a: 'stopped', b: 'stopped' })
  })
})
