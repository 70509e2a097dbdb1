import { expect, test } from 'vitest'
import { z } from 'zod'
import { type AnySystemConfig, defineComponent } from './define-system.ts'
import { createDev, type Dev, type LoadedConfig } from './dev.ts'
import { kind } from './kind.ts'
import type { SystemError } from './system-error.ts'

const Part = kind<{ value: number }>()('Part')

interface World {
  readonly dev: Dev
  /** What the components did, in order. */
  readonly log: string[]
  /** What the next load brings; an Error is thrown. */
  next: LoadedConfig | Error
  /** Called inside the start of `b`. */
  duringStart: (signal: AbortSignal) => Promise<void> | void
  failStop: boolean
}

/** A dev loop over two components, `b` depending on `a`, whose behaviour the test decides. */
const createWorld = (settings: readonly string[] = []): World => {
  const log: string[] = []
  const part = (name: string) =>
    defineComponent({
      provides: Part,
      needs: {},
      config: z.strictObject({ value: z.number().default(1) }),
      start: async ({ value }, _dependencies, { signal }) => {
        log.push(`start ${name} ${value}`)
        if (name === 'b') await world.duringStart(signal)
        return { value }
      },
      stop: () => {
        log.push(`stop ${name}`)
        if (world.failStop) throw new Error(`${name} cannot stop`)
      },
    })
  const b = { ...part('b'), needs: { a: Part } }
  const config = { a: { component: part('a') }, b: { component: b, dependencies: { a: 'a' } } }
  const load = async (): Promise<LoadedConfig> => {
    if (world.next instanceof Error) throw world.next
    return world.next
  }
  const world: World = {
    dev: createDev({ load, settings }),
    log,
    next: { config, changed: [] },
    duringStart: () => {},
    failStop: false,
  }
  return world
}

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no error',
    (error: SystemError) => error.code ?? error.message,
  )

const partOf = (world: World, name: string) => ((world.next as LoadedConfig).config as AnySystemConfig)[name]!.component

const withValue = (world: World, value: unknown): LoadedConfig => {
  const { config } = world.next as { config: AnySystemConfig }
  return { config: { ...config, a: { ...config['a'], config: { value } } }, changed: ['a.ts'] }
}

test('go loads and starts, and reports what started in which order', async () => {
  const { dev, log } = createWorld()
  const report = await dev.go()
  expect(log).toEqual(['start a 1', 'start b 1'])
  expect(report.components.map(({ name, state }) => `${name} ${state}`)).toEqual(['a running', 'b running'])
  expect(report.started).toBe(true)
  expect(dev.state.system?.state).toBe('running')
  expect(dev.state.generation).toBe(1)
})

test('go on a running system starts nothing', async () => {
  const { dev, log } = createWorld()
  await dev.go()
  expect((await dev.go()).started).toBe(false)
  expect(log).toEqual(['start a 1', 'start b 1'])
})

test('stop stops in reverse order, once, and go starts again', async () => {
  const { dev, log } = createWorld()
  await dev.go()
  expect((await dev.stop()).stopped).toBe(true)
  expect((await dev.stop()).stopped).toBe(false)
  expect(log.splice(0)).toEqual(['start a 1', 'start b 1', 'stop b', 'stop a'])
  await dev.go()
  expect(log).toEqual(['start a 1', 'start b 1'])
})

test('reset replaces the system by one made from the changed code', async () => {
  const world = createWorld()
  await world.dev.go()
  world.next = withValue(world, 2)
  const report = await world.dev.reset()
  expect(world.log).toEqual(['start a 1', 'start b 1', 'stop b', 'stop a', 'start a 2', 'start b 1'])
  expect(report.changed).toEqual(['a.ts'])
  expect(world.dev.state.generation).toBe(2)
})

test('a reset does not touch what has not changed', async () => {
  const world = createWorld()
  await world.dev.go()
  const { system } = world.dev.state
  const report = await world.dev.reset()
  expect(world.log).toEqual(['start a 1', 'start b 1'])
  expect(report.reset?.parts.map(({ name, verdict }) => [name, verdict])).toEqual([
    ['a', 'keep'],
    ['b', 'keep'],
  ])
  world.next = withValue(world, 2)
  await world.dev.reset()
  expect(world.dev.state.system).toBe(system)
})

test('plan loads and checks, and says what a reset would do', async () => {
  const world = createWorld()
  expect((await world.dev.plan()).parts.map(({ verdict }) => verdict)).toEqual(['start', 'start'])
  await world.dev.go()
  world.next = {
    ...withValue(world, 2),
    config: { ...(withValue(world, 2).config as object), a: { component: { ...partOf(world, 'a') } } },
    filesOf: (component) => (component === partOf(world, 'a') ? ['a.ts'] : []),
  }
  const plan = await world.dev.plan()
  expect(plan.parts).toMatchObject([
    { name: 'a', verdict: 'restart', reasons: ['a.ts changed'] },
    { name: 'b', verdict: 'restart', reasons: ['a is restarted'] },
  ])
  expect(world.log).toEqual(['start a 1', 'start b 1'])
  // It was loaded by the plan, and is reported by the reset that takes it in.
  world.next = { config: (world.next as LoadedConfig).config, changed: [] }
  const report = await world.dev.reset()
  expect(report.changed).toEqual(['a.ts'])
  expect(report.reset?.parts[0]?.reasons).toEqual(['a.ts changed'])
})

test('code that does not load leaves the old system running', async () => {
  const world = createWorld()
  await world.dev.go()
  const { system, config } = world.dev.state
  world.next = new Error('a.ts:1:2: Unexpected token')
  expect(await codeOf(world.dev.reset())).toBe('a.ts:1:2: Unexpected token')
  expect(world.log).toEqual(['start a 1', 'start b 1'])
  expect(world.dev.state).toMatchObject({ system, config })
  expect(system?.state).toBe('running')
})

test('a config that does not check leaves the old system running; what changed is reported once it does', async () => {
  const world = createWorld()
  await world.dev.go()
  const sound = world.next
  world.next = withValue(world, 'two')
  expect(await codeOf(world.dev.reset())).toBe('CONFIG_INVALID')
  expect(world.log).toEqual(['start a 1', 'start b 1'])
  expect(world.dev.state.system?.state).toBe('running')
  world.next = sound
  expect((await world.dev.reset()).changed).toEqual(['a.ts'])
})

test('a start that fails leaves nothing running, and a reset after the fix recovers', async () => {
  const world = createWorld()
  world.duringStart = () => {
    throw new Error('no')
  }
  world.next = { ...(world.next as LoadedConfig), changed: ['b.ts'] }
  expect(await codeOf(world.dev.go())).toBe('START_FAILED')
  expect(world.dev.state.system?.state).toBe('failed')
  expect(world.dev.state.system?.status().map(({ state }) => state)).toEqual(['stopped', 'failed'])
  expect((await world.dev.stop()).stopped).toBe(false)
  world.duringStart = () => {}
  expect((await world.dev.reset()).changed).toEqual(['b.ts'])
  expect(world.dev.state.system?.state).toBe('running')
})

test('a stop that fails is reported by the reset, which continues', async () => {
  const world = createWorld()
  await world.dev.go()
  world.failStop = true
  world.next = withValue(world, 2)
  const report = await world.dev.reset()
  expect(report.stopErrors.map((error) => (error as SystemError).component)).toEqual(['b', 'a'])
  expect(world.dev.state.system?.state).toBe('running')
  expect(await codeOf(world.dev.stop())).toBe('STOP_FAILED')
  // It is stopped as far as it can be: stopping again has nothing to do.
  expect((await world.dev.stop()).stopped).toBe(false)
})

test('a reset during a go waits for it', async () => {
  const world = createWorld()
  const released = deferred()
  world.duringStart = () => {
    world.next = withValue(world, 2)
    return released.promise
  }
  const going = world.dev.go()
  const resetting = world.dev.reset()
  released.resolve()
  expect((await going).action).toBe('go')
  expect((await resetting).action).toBe('reset')
  expect(world.log).toEqual(['start a 1', 'start b 1', 'stop b', 'stop a', 'start a 2', 'start b 1'])
})

test('a stop during a start interrupts it', async () => {
  const world = createWorld()
  const starting = deferred()
  world.duringStart = (signal) => {
    starting.resolve()
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  }
  const going = codeOf(world.dev.go())
  await starting.promise
  expect((await world.dev.stop()).stopped).toBe(true)
  expect(await going).toBe('START_INTERRUPTED')
  expect(world.log).toEqual(['start a 1', 'start b 1', 'stop a'])
})

test('close stops, and nothing starts after it', async () => {
  const { dev, log } = createWorld()
  await dev.go()
  await dev.close()
  expect(await codeOf(dev.go())).toMatch(/has ended/)
  expect(await codeOf(dev.reset())).toMatch(/has ended/)
  expect(log).toEqual(['start a 1', 'start b 1', 'stop b', 'stop a'])
})

test('settings are applied to every config that is loaded', async () => {
  const world = createWorld(['a.value=7'])
  await world.dev.go()
  world.next = withValue(world, 2)
  await world.dev.reset()
  // The value of the file, which changed, is not in force.
  expect(world.log.filter((line) => line.startsWith('start a'))).toEqual(['start a 7'])
  expect(world.dev.state.config?.['a']?.config).toEqual({ value: 7 })
})

const deferred = (): { promise: Promise<void>; resolve: () => void } => {
  let resolve = (): void => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

test('a component may ask for the plan and for the reset', async () => {
  const world = createWorld()
  await world.dev.go()
  const { reloader } = world.dev.state.system!
  const loaded = world.next as LoadedConfig
  const config = loaded.config as AnySystemConfig
  world.next = { ...loaded, config: { ...config, b: { ...config['b']!, config: { value: 2 } } } }
  const verdicts = ['keep', 'restart']
  expect((await reloader!.plan()).parts.map(({ verdict }) => verdict)).toEqual(verdicts)
  expect((await reloader!.reload()).report.parts.map(({ verdict }) => verdict)).toEqual(verdicts)
  expect(world.log.at(-1)).toBe('start b 2')
  world.next = new Error('line 3 does not parse')
  await expect(reloader!.plan()).rejects.toThrow('line 3 does not parse')
  await world.dev.close()
  await expect(reloader!.reload()).rejects.toThrow('the dev loop has ended')
})
