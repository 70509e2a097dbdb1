/**
 * A system of many components in a random acyclic graph, with a failure or a hang at every position in turn. Each component
 * holds something that Node counts: a timer, or a listening socket for every fiftieth.
 */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type AnySystemConfig, defineComponent } from '../../src/system/define-system.ts'
import { kind, many } from '../../src/system/kind.ts'
import { type ComponentStatus, createSystem, type System } from '../../src/system/lifecycle.ts'
import type { SystemError } from '../../src/system/system-error.ts'
import { isFullRun } from '../helpers/full-run.ts'
import { deferred, failure } from './journal.ts'

const size = isFullRun ? 200 : 40
/** A few of the latest components, so that chains grow long and yet much can run in parallel. */
const mostDependencies = 4
const socketEvery = 50
const hangDeadlineMs = 5
/** Shown when a test fails, and taken from the environment to repeat a run. */
const seed = Number(process.env['RANDOM_DAG_SEED'] ?? Math.floor(Math.random() * 2 ** 32))

type Fault = 'start throws' | 'start rejects' | 'start hangs' | 'stop throws' | 'stop hangs'

interface Handle {
  readonly released: boolean
  release(): Promise<void> | void
}
const Handle = kind<Handle>()('Handle')
const noConfig = z.object({})

/** What the components of one system did, and what they hold. */
class Ledger {
  readonly held = new Map<string, Handle>()
  readonly started: string[] = []
  readonly stopped: string[] = []
  readonly violations: string[] = []
  /** What a start that hangs waits for. */
  readonly comeBack = deferred<void>()
}

/** mulberry32: small, and good enough to shuffle a graph. */
const randomFrom = (start: number) => {
  let state = start
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** Names in a random order of the config, each with the names it depends on. */
const randomGraph = (random: (below: number) => number): ReadonlyMap<string, readonly string[]> => {
  const entries = Array.from({ length: size }, (_, index): [string, string[]] => {
    const names = Array.from({ length: random(mostDependencies + 1) }, () => `c${Math.max(0, index - 1 - random(40))}`)
    return [`c${index}`, index === 0 ? [] : [...new Set(names)]]
  })
  for (let last = entries.length - 1; last > 0; last--) {
    const other = random(last + 1)
    ;[entries[last], entries[other]] = [entries[other]!, entries[last]!]
  }
  return new Map(entries)
}

class TimerHandle implements Handle {
  released = false
  readonly #timer = setInterval(() => undefined, 1_000_000)

  release(): void {
    this.released = true
    clearInterval(this.#timer)
  }
}

class SocketHandle implements Handle {
  released = false
  readonly #server = createServer()

  async open(): Promise<this> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening')
    return this
  }

  async release(): Promise<void> {
    this.released = true
    await once(this.#server.close(), 'close')
  }
}

const componentOf = (name: string, ledger: Ledger, fault: Fault | undefined) => {
  const open = async (): Promise<Handle> => {
    const handle = await (Number(name.slice(1)) % socketEvery === 0 ? new SocketHandle().open() : new TimerHandle())
    ledger.held.set(name, handle)
    return handle
  }
  return defineComponent({
    provides: Handle,
    needs: { on: many(Handle) },
    config: noConfig,
    start: (_config, { on }) => {
      ledger.started.push(name)
      if (on.some((handle) => handle.released)) ledger.violations.push(`${name} was started with a released dependency`)
      if (fault === 'start throws') throw new Error('injected')
      if (fault === 'start rejects') return Promise.reject(new Error('injected'))
      if (fault === 'start hangs') return ledger.comeBack.promise.then(open)
      return open()
    },
    stop: async (handle) => {
      ledger.stopped.push(name)
      await handle.release()
      ledger.held.delete(name)
      if (fault === 'stop throws') throw new Error('injected')
      if (fault === 'stop hangs') await new Promise(() => undefined)
    },
  })
}

const graph = randomGraph(randomFrom(seed))
const systemWith = (
  ledger: Ledger,
  faults: Readonly<Record<string, Fault>>,
  onChange?: (status: ComponentStatus) => void,
): System<AnySystemConfig> => {
  const entries = [...graph].map(([name, on]) => {
    const fault = faults[name]
    // Only for who hangs: a busy machine must not make the others late.
    const deadlines = {
      ...(fault === 'start hangs' && { startDeadlineMs: hangDeadlineMs }),
      ...(fault === 'stop hangs' && { stopDeadlineMs: hangDeadlineMs }),
    }
    return [name, { component: componentOf(name, ledger, fault), dependencies: { on }, ...deadlines }] as const
  })
  return createSystem<AnySystemConfig>(Object.fromEntries(entries), onChange === undefined ? {} : { onChange })
}

const isDependent =
  (other: string) =>
  (name: string): boolean =>
    ancestors.get(name)!.has(other)

/** Everything that each component depends on, directly or not; the graph is made so that numbers grow along its edges. */
const ancestors = new Map<string, ReadonlySet<string>>()
for (let index = 0; index < size; index++) {
  const direct = graph.get(`c${index}`)!
  ancestors.set(`c${index}`, new Set(direct.flatMap((name) => [name, ...ancestors.get(name)!])))
}

/** Everything started after and stopped before what it depends on, once. */
const expectSound = ({ started, stopped, violations }: Ledger): void => {
  const startedAt = new Map(started.map((name, index) => [name, index]))
  const stoppedAt = new Map(stopped.map((name, index) => [name, index]))
  if (startedAt.size < started.length || stoppedAt.size < stopped.length) violations.push('something was called twice')
  for (const [name, dependencies] of graph) {
    for (const dependency of dependencies) {
      const early = startedAt.has(name) && !(startedAt.get(dependency)! < startedAt.get(name)!)
      const late = stoppedAt.has(name) && stoppedAt.get(dependency)! < stoppedAt.get(name)!
      if (early || late) violations.push(`${name} and ${dependency}, which it depends on, were in the wrong order`)
    }
  }
  expect(violations).toEqual([])
}

/** Timers and sockets that keep the process open, in Node's own count. */
const countOpen = (): number =>
  process.getActiveResourcesInfo().filter((type) => type === 'Timeout' || type === 'TCPServerWrap').length

/** Waits for the count to fall to what it was; the test runner has timers of its own that come and go. */
const expectReleased = async (before: number): Promise<void> => {
  for (let tries = 0; countOpen() > before && tries < 3_000; tries++) await setTimeout(10)
  expect(countOpen()).toBeLessThanOrEqual(before)
}

/** Runs the test at every position, some at a time, so that the deadlines of hangs pass together; nothing may stay open. */
const atEveryPosition = async (run: (culprit: string) => Promise<void>): Promise<void> => {
  const before = countOpen()
  const atOnce = 20
  for (let first = 0; first < size; first += atOnce) {
    await Promise.all(Array.from({ length: atOnce }, (_, index) => run(`c${first + index}`)))
  }
  await expectReleased(before)
}

/** The state after a failed start, for any fault. */
const expectUndone = (system: System<AnySystemConfig>, ledger: Ledger, culprit: string): void => {
  expectSound(ledger)
  expect([...ledger.held.keys()]).toEqual([])
  expect(ledger.stopped.toSorted()).toEqual(ledger.started.filter((name) => name !== culprit).toSorted())
  const blocked = system.status().filter(({ state }) => state === 'blocked')
  expect(blocked.map(({ name }) => name).toSorted()).toEqual([...graph.keys()].filter(isDependent(culprit)).toSorted())
  expect(new Set(blocked.flatMap(({ blockedBy }) => blockedBy))).toEqual(new Set(blocked.length > 0 ? [culprit] : []))
  expect(system.status().filter(({ state }) => state === 'failed')).toMatchObject([{ name: culprit }])
}

describe(`a random system of ${size} components (RANDOM_DAG_SEED=${seed})`, () => {
  it('starts and stops in order', async () => {
    const before = countOpen()
    const ledger = new Ledger()
    const system = systemWith(ledger, {})
    await system.start()
    expect(ledger.held.size).toBe(size)
    expect(countOpen()).toBeGreaterThanOrEqual(before + size)
    await system.stop()
    expect(ledger.held.size).toBe(0)
    expect(ledger.stopped).toHaveLength(size)
    expectSound(ledger)
    await expectReleased(before)
  })

  it('is undone if the start of any component fails', async () => {
    await atEveryPosition(async (culprit) => {
      const ledger = new Ledger()
      const fault = Number(culprit.slice(1)) % 2 === 0 ? 'start throws' : 'start rejects'
      const system = systemWith(ledger, { [culprit]: fault })
      expect(await failure(system.start())).toMatchObject({ code: 'START_FAILED', component: culprit, errors: [] })
      expectUndone(system, ledger, culprit)
    })
  })

  it('is undone if the start of any component hangs, and a late instance is stopped', async () => {
    await atEveryPosition(async (culprit) => {
      const ledger = new Ledger()
      let lateIsDown: (() => void) | undefined
      const lateStop = new Promise<void>((resolve) => {
        lateIsDown = resolve
      })
      const system = systemWith(ledger, { [culprit]: 'start hangs' }, ({ name, state }) => {
        if (name === culprit && state === 'failed' && ledger.stopped.includes(culprit)) lateIsDown?.()
      })
      expect(await failure(system.start())).toMatchObject({ code: 'START_TIMED_OUT', component: culprit, errors: [] })
      expectUndone(system, ledger, culprit)
      ledger.comeBack.resolve()
      await lateStop
      expect([...ledger.held.keys()]).toEqual([])
    })
  })

  it('stops the remaining components if one stop throws and another hangs', async () => {
    await atEveryPosition(async (thrower) => {
      const ledger = new Ledger()
      const hanger = `c${(Number(thrower.slice(1)) + size / 2) % size}`
      const system = systemWith(ledger, { [thrower]: 'stop throws', [hanger]: 'stop hangs' })
      await system.start()
      const { code, errors } = await failure(system.stop())
      expect(code).toBe('STOP_FAILED')
      expect((errors as SystemError[]).map(({ component }) => component).toSorted()).toEqual(
        [thrower, hanger].toSorted(),
      )
      expect([...ledger.held.keys()]).toEqual([])
      expect(ledger.stopped).toHaveLength(size)
      expectSound(ledger)
    })
  })
})
