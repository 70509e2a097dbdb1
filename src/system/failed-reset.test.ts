/** A reset that fails: what the engine of the dev loop does so that no state is lost. */

import { beforeEach, expect, test } from 'vitest'
import {
  type Behaviour,
  boom,
  deferred,
  statesOf,
  type Thing,
  thingsConfig,
  untilAborted,
} from '../../test/system/journal.ts'
import type { AnySystemConfig } from './define-system.ts'
import { createDev, type Dev } from './dev.ts'
import type { SystemError } from './system-error.ts'

/** Keeps a number of words over a reset, which the test adds to. */
interface Store extends Thing {
  readonly words: string[]
}
const store: Behaviour = {
  start: (): Store => ({ name: 'store', words: [] }),
  suspend: (instance) => [...(instance as Store).words],
  resume: (_config, _dependencies, suspended): Store => ({ name: 'store', words: [...(suspended as string[])] }),
}
/** Resumes what it finds, and fails when the test says so. */
const server: Behaviour = {
  suspend: () => 'port',
  resume: () => ({ name: 'server' }),
  start: () => ({ name: 'server' }),
}

const graph = { store: [], server: ['store'] }
let dev: Dev
let next: { config: AnySystemConfig; changed: readonly string[] }
let journal: string[]

const brings = (behaviours: Readonly<Record<string, Behaviour>>, changed: readonly string[] = []): void => {
  next = { config: thingsConfig(graph, { store, server, ...behaviours }, journal), changed }
}
const words = (): string[] => (dev.state.system!.map as unknown as { store: Store }).store.words
const failureOf = (promise: Promise<unknown>): Promise<SystemError> =>
  promise.then(
    () => Promise.reject(new Error('it should have failed')),
    (error: SystemError) => error,
  )

beforeEach(async () => {
  journal = []
  dev = createDev({ load: async () => next })
  brings({})
  await dev.go()
  words().push('first')
  journal.length = 0
})

test('the previous config runs again, with the state that it had', async () => {
  const { config } = dev.state
  brings({ server: { ...server, resume: boom } }, ['server.ts'])
  const error = await failureOf(dev.reset())
  expect(error).toMatchObject({ code: 'RESET_FAILED', component: 'server', phase: 'resume', errors: [] })
  expect(error.message).toBe('the new system did not start: the resume of server failed: boom')
  expect(error.cause).toMatchObject({ code: 'START_FAILED' })
  expect(error.system?.state).toBe('failed')
  expect(dev.state.system?.state).toBe('running')
  expect(dev.state.config).toBe(config)
  expect(words()).toEqual(['first'])
  expect(journal).toEqual([
    'suspend server',
    'suspend store',
    'resume store',
    'resume server',
    'suspend store',
    'resume store',
    'resume server',
  ])
  // What changed was not taken in yet.
  brings({})
  expect((await dev.reset()).changed).toEqual(['server.ts'])
  expect(words()).toEqual(['first'])
  await dev.stop()
  expect(journal.slice(-2)).toEqual(['stop server', 'stop store'])
})

test('what the failed system had added to the state is kept', async () => {
  const added: Behaviour = {
    ...store,
    resume: (_config, _dependencies, suspended): Store => ({
      name: 'store',
      words: [...(suspended as string[]), 'second'],
    }),
  }
  brings({ store: added, server: { ...server, resume: boom } })
  await failureOf(dev.reset())
  expect(words()).toEqual(['first', 'second'])
})

test('a component that the new system cannot resume is resumed when the previous config runs again', async () => {
  const { resume: _, ...fresh } = store
  brings({ store: fresh, server: { ...server, resume: boom } })
  expect((await failureOf(dev.reset())).code).toBe('RESET_FAILED')
  expect(words()).toEqual(['first'])
})

test('when the previous config does not start either, the state is kept for the next start that works', async () => {
  let broken = false
  const fragile: Behaviour = {
    ...server,
    start: () => (broken ? boom() : { name: 'server' }),
    resume: () => (broken ? boom() : { name: 'server' }),
  }
  brings({ server: fragile })
  await dev.reset()
  broken = true
  brings({ server: fragile })
  const error = await failureOf(dev.reset())
  expect(error).toMatchObject({ code: 'UNDO_FAILED', component: 'server', cause: { code: 'START_FAILED' } })
  expect(error.errors).toMatchObject([{ code: 'START_FAILED', component: 'server' }])
  expect(dev.state.system?.state).toBe('failed')
  expect([...dev.kept.keys()]).toEqual(['server', 'store'])
  // Again, and by either of the two.
  expect((await failureOf(dev.reset())).code).toBe('START_FAILED')
  expect((await failureOf(dev.go())).code).toBe('START_FAILED')
  broken = false
  await dev.go()
  expect(words()).toEqual(['first'])
  expect(dev.kept.size).toBe(0)
  expect(journal.some((line) => line.startsWith('stop'))).toBe(false)
})

test('a stop discards what is kept', async () => {
  let broken = false
  const fragile: Behaviour = { ...server, resume: () => (broken ? boom() : { name: 'server' }) }
  brings({ server: fragile })
  await dev.reset()
  broken = true
  brings({ server: fragile })
  expect((await failureOf(dev.reset())).code).toBe('UNDO_FAILED')
  journal.length = 0
  expect((await dev.stop()).stopped).toBe(true)
  expect(journal).toEqual(['stop server', 'stop store'])
  expect(dev.kept.size).toBe(0)
  expect((await dev.stop()).stopped).toBe(false)
  brings({})
  await dev.go()
  expect(words()).toEqual([])
})

test('a stop during a reset stops everything and undoes nothing', async () => {
  const started = deferred<void>()
  brings({
    server: {
      ...server,
      resume: (_config, _dependencies, _suspended, { signal }) => {
        started.resolve()
        return untilAborted(signal)
      },
    },
  })
  const resetting = failureOf(dev.reset())
  await started.promise
  expect((await dev.stop()).stopped).toBe(true)
  expect((await resetting).code).toBe('START_INTERRUPTED')
  expect(dev.state.system?.state).toBe('stopped')
  expect(dev.kept.size).toBe(0)
})

test('a stop while a failed start is undone keeps the previous config from running again', async () => {
  const undoing = deferred<void>()
  const released = deferred<void>()
  brings({
    store: {
      ...store,
      suspend: async (instance) => {
        undoing.resolve()
        await released.promise
        return [...(instance as Store).words]
      },
    },
    server: { ...server, resume: boom },
  })
  const resetting = failureOf(dev.reset())
  await undoing.promise
  const stopping = dev.stop()
  released.resolve()
  expect((await resetting).code).toBe('START_FAILED')
  expect((await stopping).stopped).toBe(true)
  expect(dev.state.system?.state).toBe('failed')
  expect(journal.slice(-2).toSorted()).toEqual(['stop server', 'stop store'])
})

test('the status of the dev loop says which components are starting or stopping, those of the system that is replaced as well', async () => {
  const names = (): string[] => dev.underWay.map(({ name, state }) => `${name} ${state}`)
  const steps = [deferred<void>(), deferred<void>()]
  const slow: Behaviour = {
    ...server,
    stop: () => steps[0]!.promise,
    start: async () => {
      await steps[1]!.promise
      return { name: 'server' }
    },
  }
  brings({ server: slow })
  steps[1]!.resolve()
  await dev.reset()
  steps[1] = deferred<void>()
  // It cannot be resumed, and so the new system stops the old component before it starts its own.
  const { resume: _, ...gone } = slow
  brings({ server: gone })
  const resetting = dev.reset()
  await until(() => names().length > 0)
  expect(names()).toEqual(['server stopping'])
  steps[0]!.resolve()
  await until(() => names().includes('server starting'))
  expect(names()).toEqual(['server starting'])
  steps[1]!.resolve()
  await resetting
  expect(names()).toEqual([])
  expect(statesOf(dev.state.system as never)).toEqual({ store: 'running', server: 'running' })
})

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}
