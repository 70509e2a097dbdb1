import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { eventually } from '../test/helpers/eventually.ts'
import { FakeProcess } from '../test/helpers/fake-process.ts'
import { boom, deferred, things, thingsConfig, untilAborted } from '../test/system/journal.ts'
import { ConfigReloader } from './config-reloader.ts'
import { hangupCode, runSystem } from './run-system.ts'
import type { AnySystemConfig } from './system/define-system.ts'
import { createSystem, type System } from './system/lifecycle.ts'
import { SystemError } from './system/system-error.ts'

let host: FakeProcess
let said: { readonly level: number; readonly msg: string }[]

beforeEach(() => {
  host = new FakeProcess()
  said = []
  vi.spyOn(process.stderr, 'write').mockImplementation((line) => {
    said.push(JSON.parse(line as string) as (typeof said)[number])
    return true
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const messages = (): string[] => said.map(({ msg }) => msg)
const hasSaid = (text: string): Promise<void> => eventually(() => expect(messages().join('\n')).toContain(text))

/** Runs it. The code is what the run resolves with at its end. */
const running = async (
  system: System<AnySystemConfig>,
  isTerminal?: () => boolean,
): Promise<{ code: Promise<number> }> => {
  const code = runSystem(system, host, isTerminal)
  await hasSaid('is running')
  return { code }
}

describe('a signal', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('%s stops in order: 0', async (signal) => {
    const { system, journal } = things({ server: ['log'], log: [] })
    const { code } = await running(system)
    expect(messages()).toEqual([expect.stringMatching(/^mqtt-jig \S+ is running, started in \d+ ms: log, server$/)])
    host.signal(signal)
    expect(await code).toBe(0)
    expect(messages().slice(1)).toEqual([`${signal}: stopping`])
    expect(journal).toEqual(['start log', 'start server', 'stop server', 'stop log'])
    expect(host.ends).toEqual([])
    // Nothing of it is left in the process.
    expect(host.eventNames()).toEqual([])
  })

  test('stops a start, and what had started', async () => {
    const { system, journal } = things(
      { server: ['log'], log: [] },
      { server: { start: (_config, _dependencies, { signal }) => untilAborted(signal) } },
    )
    const code = runSystem(system, host)
    await eventually(() => expect(journal).toContain('start server'))
    host.signal('SIGTERM')
    expect(await code).toBe(0)
    expect(journal).toEqual(['start log', 'start server', 'stop log'])
    expect(messages()).toEqual(['SIGTERM: stopping'])
  })

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('a second one ends a stop that hangs: %s, %i', async (signal, code) => {
    const stop = deferred<void>()
    const { system } = things({ server: [] }, { server: { stop: () => stop.promise } })
    const run = await running(system)
    host.signal('SIGTERM')
    expect(host.ends).toEqual([])
    host.signal(signal)
    expect(host.ends).toEqual([`exit ${code}`])
    stop.resolve()
    expect(await run.code).toBe(0)
  })
})

test('a start or stop that takes long: the component that it waits for', async () => {
  vi.useFakeTimers()
  const start = deferred<{ name: string }>()
  const stop = deferred<void>()
  const { system } = things({ server: [] }, { server: { start: () => start.promise, stop: () => stop.promise } })
  const code = runSystem(system, host)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(said).toEqual([expect.objectContaining({ level: 40, msg: 'Still starting: server' })])
  start.resolve({ name: 'server' })
  await vi.advanceTimersByTimeAsync(0)
  host.signal('SIGTERM')
  await vi.advanceTimersByTimeAsync(2_000)
  expect(messages().slice(2)).toEqual(['SIGTERM: stopping', 'Still stopping: server'])
  stop.resolve()
  expect(await code).toBe(0)
})

test('a start that fails: the error, what had started is stopped, 1', async () => {
  const { system, journal } = things(
    { server: ['log'], log: [] },
    { server: { start: () => Promise.reject(new Error('no such disk')) } },
  )
  expect(await runSystem(system, host)).toBe(1)
  expect(said).toEqual([expect.objectContaining({ level: 60, msg: expect.stringContaining('no such disk') })])
  expect(journal.at(-1)).toBe('stop log')
})

describe('a start of what is available', () => {
  const degraded = (fault: { isBroken: boolean }) =>
    things(
      { users: [], server: ['users'], log: [] },
      { users: { start: () => (fault.isBroken ? boom() : { name: 'users' }) } },
      {
        start: 'available',
        reloader: new ConfigReloader(
          async () => system().config,
          () => system(),
        ),
      },
    )
  let system: () => System<AnySystemConfig>

  test('says what does not run and why; the exit code as well: 3', async () => {
    const run = degraded({ isBroken: true })
    system = () => run.system
    const { code } = await running(run.system)
    expect(said[0]).toMatchObject({ level: 50, msg: expect.stringContaining('the start of users failed: boom') })
    expect(said[0]!.msg).toContain('not started because of it: server')
    expect(said[1]).toMatchObject({
      level: 40,
      msg: expect.stringMatching(/ is running without users, server, started in \d+ ms: log$/),
    })
    host.signal('SIGHUP')
    await hasSaid('SIGHUP: running without users, server')
    host.signal('SIGTERM')
    expect(await code).toBe(3)
  })

  test('SIGHUP starts it: 0', async () => {
    const fault = { isBroken: true }
    const run = degraded(fault)
    system = () => run.system
    const { code } = await running(run.system)
    fault.isBroken = false
    host.signal('SIGHUP')
    await hasSaid('SIGHUP: reloaded in')
    expect(messages().join('\n')).toContain('SIGHUP: start server: does not run')
    expect(run.system.degraded).toBe(false)
    host.signal('SIGTERM')
    expect(await code).toBe(0)
  })
})

test('a stop that fails: the error, everything else is stopped, 1', async () => {
  const { system, journal } = things(
    { server: ['log'], log: [] },
    { server: { stop: () => Promise.reject(new Error('cannot stop')) } },
  )
  const { code } = await running(system)
  host.signal('SIGTERM')
  expect(await code).toBe(1)
  expect(said.at(-1)).toMatchObject({
    level: 50,
    msg: expect.stringContaining('the stop of server failed: cannot stop'),
  })
  expect(journal.at(-1)).toBe('stop log')
})

describe('an error that escapes from a component', () => {
  test.each([
    ['an error, with its place in the code', new Error('thrown'), /stopping\.\nError: thrown\n +at .*run-system\.test/],
    ['an error without a stack', Object.assign(new Error('thrown'), { stack: undefined }), /stopping\.\n.*thrown/],
    ['anything else', 'a text', /stopping\.\n.*a text/],
  ])('%s: everything is stopped, 70', async (_what, thrown, text) => {
    const { system, journal } = things({ server: [] })
    const { code } = await running(system)
    host.emit('uncaughtException', thrown)
    expect(await code).toBe(70)
    expect(said.at(-1)).toMatchObject({ level: 60, msg: expect.stringMatching(text) })
    expect(messages().at(-1)).toContain('An error escaped from a component')
    expect(journal).toEqual(['start server', 'stop server'])
  })

  test('while a signal is obeyed: 70', async () => {
    const { system } = things(
      { server: [] },
      { server: { stop: () => void host.emit('uncaughtException', new Error('late')) } },
    )
    const { code } = await running(system)
    host.signal('SIGTERM')
    expect(await code).toBe(70)
  })

  test('a stop that hangs afterwards is left after 5 s', async () => {
    const stop = deferred<void>()
    const { system } = things({ server: [] }, { server: { stop: () => stop.promise } })
    const { code } = await running(system)
    vi.useFakeTimers()
    host.emit('uncaughtException', new Error('thrown'))
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await code).toBe(70)
    expect(messages().at(-1)).toContain('the system did not stop within 5000 ms after the error; leaving it')
    stop.resolve()
  })
})

describe('SIGHUP', () => {
  /** Its component does, when it is refreshed, what the next of the functions does. */
  const refreshing = (...refreshes: (() => string | undefined)[]) => {
    const { users } = thingsConfig({ users: [] })
    const component = { ...users!.component, refresh: () => refreshes.shift()?.() }
    const config: AnySystemConfig = { users: { ...users!, component } }
    const reloader = new ConfigReloader(
      async () => configs.shift() ?? config,
      () => system,
    )
    const system: System<AnySystemConfig> = createSystem(config, { reloader })
    const configs: unknown[] = []
    return { system, config, configs }
  }

  test('ends nothing, and says what was read again', async () => {
    const { system } = refreshing(
      () => '3 users, 1 added',
      () => undefined,
      () => {
        throw new Error('line 3 is bad')
      },
    )
    const { code } = await running(system)
    host.signal('SIGHUP')
    await hasSaid('SIGHUP: users: 3 users, 1 added')
    host.signal('SIGHUP')
    await hasSaid('SIGHUP: nothing has changed in the config and in the files that it names')
    host.signal('SIGHUP')
    await hasSaid('SIGHUP: the refresh of users failed: line 3 is bad')
    expect(said.map(({ level }) => level)).toEqual([30, 30, 30, 30, 50, 30])
    expect(system.state).toBe('running')
    host.signal('SIGTERM')
    expect(await code).toBe(0)
  })

  test('applies a changed config, and says what became of each component', async () => {
    const { system, config, configs } = refreshing(() => undefined)
    const { code } = await running(system)
    const { component } = config['users']!
    configs.push({
      ...config,
      log: { component: { ...component, refresh: () => undefined }, dependencies: { on: [] } },
    })
    host.signal('SIGHUP')
    await hasSaid('SIGHUP: reloaded in')
    expect(messages()[1]).toBe('SIGHUP: start log: does not run')
    expect(messages()[2]).toMatch(/^SIGHUP: reloaded in \d+ ms: 1 change, 0 connections kept$/)
    expect(system.order).toEqual(['users', 'log'])
    host.signal('SIGTERM')
    expect(await code).toBe(0)
  })

  test('a reload that failed and could not be undone ends the program, however it was asked for: 1', async () => {
    const { system } = refreshing()
    const { code } = await running(system)
    vi.spyOn(system, 'apply').mockRejectedValue(new SystemError('UNDO_FAILED', 'nothing runs'))
    await expect(system.reloader!.reload()).rejects.toThrow('nothing runs')
    expect(await code).toBe(1)
    expect(said.at(-1)).toMatchObject({ level: 60, msg: expect.stringContaining('nothing runs') })
  })

  test('many of them: one reload at a time, and the config that was read last stays in force', async () => {
    const { system, config } = refreshing()
    const reads: ((config: unknown) => void)[] = []
    const reloader = new ConfigReloader(
      () => new Promise((resolve) => reads.push(resolve)),
      () => system,
    )
    await system.start()
    const with1 = { ...config, first: { ...config['users']!, component: { ...config['users']!.component } } }
    const with2 = { ...config, second: { ...config['users']!, component: { ...config['users']!.component } } }
    const first = reloader.reload()
    await eventually(() => expect(reads).toHaveLength(1))
    const others = Array.from({ length: 50 }, () => reloader.reload())
    // Time for a second read, if one had begun.
    await new Promise((resolve) => setImmediate(resolve))
    expect(reads).toHaveLength(1)
    reads[0]!(with1)
    await first
    await eventually(() => expect(reads).toHaveLength(2))
    reads[1]!(with2)
    await Promise.all(others)
    expect(reads).toHaveLength(2)
    expect(system.order).toEqual(['users', 'second'])
    await system.stop()
  })

  test('a config that is wrong, or that does not load, changes nothing', async () => {
    const { system, config, configs } = refreshing()
    const { code } = await running(system)
    configs.push({ ...config, users: { ...config['users'], dependencies: { none: 'x' } } })
    host.signal('SIGHUP')
    await hasSaid('users')
    await eventually(() => expect(said.at(-1)).toMatchObject({ level: 50, msg: expect.stringMatching(/^SIGHUP: /) }))
    expect(system.config).toBe(config)
    expect(system.state).toBe('running')
    host.signal('SIGTERM')
    expect(await code).toBe(0)
  })

  test('while the system stops: nothing is read, and it is no second signal', async () => {
    const stop = deferred<void>()
    const { system } = things({ server: [] }, { server: { stop: () => stop.promise } })
    const { code } = await running(system)
    host.signal('SIGTERM')
    await eventually(() => expect(system.state).toBe('stopping'))
    host.signal('SIGHUP')
    await hasSaid('SIGHUP: nothing was read again: the system is stopping.')
    expect(host.ends).toEqual([])
    stop.resolve()
    expect(await code).toBe(0)
  })

  test('of a terminal that was closed: stops in order, 129', async () => {
    let isOpen = true
    const { system, journal } = things({ server: [] })
    const { code } = await running(system, () => isOpen)
    isOpen = false
    host.signal('SIGHUP')
    expect(await code).toBe(hangupCode)
    expect(hangupCode).toBe(129)
    expect(messages().at(-1)).toBe('SIGHUP: stopping')
    expect(journal.at(-1)).toBe('stop server')
  })
})
