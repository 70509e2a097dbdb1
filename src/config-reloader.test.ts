/** The plan of a reload says beforehand what the reload refuses. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ConfigReloader } from './config-reloader.ts'
import { Listener } from './kinds/listener.ts'
import { Store } from './kinds/store.ts'
import type { AnyComponent, AnySystemConfig } from './system/define-system.ts'
import { defineComponent } from './system/define-system.ts'
import { kind } from './system/kind.ts'
import { createSystem, type System } from './system/lifecycle.ts'

const Users = kind<object>()('Users')

let folder: string
let system: System
/** What each component that started was started with. */
let started: unknown[]
let reloader: ConfigReloader
let next: AnySystemConfig
/** The connections of the server. */
let open: number
/** What the adjustment of the store throws. */
let refusal: Error | undefined
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'config-reloader-'))
  writeFileSync(file(), 'ann')
  started = []
  open = 0
  refusal = undefined
  const components = makeComponents()
  config = (values = {}) => ({
    store: { component: components.store, config: { path: 'one', ...values.store } },
    users: { component: components.users },
    server: {
      component: components.server,
      config: { port: 1883, ...values.server },
      dependencies: { store: 'store' },
    },
  })
  system = createSystem(config()) as System
  await system.start()
  started.length = 0
  reloader = new ConfigReloader(
    async () => next,
    () => system,
  )
})
afterEach(async () => {
  await system.stop()
  rmSync(folder, { recursive: true })
})

const file = (): string => join(folder, 'users')
let config: (values?: { readonly store?: object; readonly server?: object }) => AnySystemConfig

/** A store that keeps its path for its life, users of a file, and a server over the store whose changes close connections. */
const makeComponents = () => {
  const start = (values: unknown): never => {
    started.push(values)
    return {} as never
  }
  const nothing = { commit: () => undefined, undo: () => undefined }
  const store = defineComponent({
    provides: Store,
    needs: {},
    config: z.object({ path: z.string(), limit: z.number().default(1) }),
    start,
    fixed: ({ path }) => [path],
    adjust: () => {
      if (refusal !== undefined) throw refusal
      return nothing
    },
  })
  const users = defineComponent({ provides: Users, needs: {}, config: z.object({}), start, reads: () => [file()] })
  const server = defineComponent({
    provides: Listener,
    needs: { store: Store },
    config: z.object({ port: z.number() }),
    start,
    connections: () => ({ server: open }),
  })
  return { store, users, server } as unknown as Record<'store' | 'users' | 'server', AnyComponent>
}

const REFUSALS: Readonly<
  Record<string, { readonly change: () => AnySystemConfig; readonly refusals: () => string[] }>
> = {
  'another store': {
    change: () => config({ store: { path: 'two' } }),
    refusals: () => [
      'store would begin with another content, and sessions and messages are not moved to another store: restart the process for it',
    ],
  },
  'the end of the only listener': {
    change: () => ({ ...config(), server: { ...config()['server']!, enabled: false } }),
    refusals: () => ['server would end, and no client could connect any more: stop the process for it'],
  },
  'the end of connections of a listener that stays': {
    change: () => {
      open = 2
      return config({ server: { port: 1884 } })
    },
    refusals: () => [
      'the reset would close connections that are to be kept, 2 of server; server must restart (config.port: 1883 → 1884)',
    ],
  },
  'a restart for a file whose former content is gone': {
    change: () => {
      writeFileSync(file(), 'ann, bob')
      return config()
    },
    refusals: () => [`users would have to restart for ${file()}, and could not go back if that failed`],
  },
  'several of these': {
    change: () => {
      open = 2
      writeFileSync(file(), 'ann, bob')
      return config({ store: { path: 'two' } })
    },
    refusals: () => [
      'store would begin with another content, and sessions and messages are not moved to another store: restart the process for it',
      `the reset would close connections that are to be kept, 2 of server; store must restart (config.path); users must restart (${file()} changed); server must restart (store is restarted)`,
      `users would have to restart for ${file()}, and could not go back if that failed`,
    ],
  },
}

describe.each(Object.entries(REFUSALS))('%s', (_, { change, refusals }) => {
  test('is refused by the plan and by the reload, in the same words', async () => {
    next = change()
    expect((await reloader.plan()).refusals).toEqual(refusals())
    const error = await reloader.reload().catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'RESET_REFUSED', message: refusals().join('; ') })
    expect(started).toEqual([])
    expect(system.state).toBe('running')
  })
})

test('a plan that may be applied has no refusals', async () => {
  next = config({ store: { limit: 2 } })
  const { refusals, parts, connections } = await reloader.plan()
  expect(refusals).toEqual([])
  expect((await reloader.reload()).report.plan).toEqual({ parts, connections })
})

test('what a component refuses when it is asked is found by the reload alone', async () => {
  open = 2
  next = config({ store: { limit: 2 } })
  refusal = new Error('no limit of 2')
  expect((await reloader.plan()).refusals).toEqual([])
  await expect(reloader.reload()).rejects.toMatchObject({
    code: 'RESET_REFUSED',
    message: expect.stringContaining('no limit of 2'),
  })
})
