import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  type Behaviour,
  boom,
  deferred,
  failure,
  type Journal,
  statesOf,
  type Thing,
  thingsConfig,
  turn,
} from '../../test/system/journal.ts'
import type { AnySystemConfig } from './define-system.ts'
import { kind } from './kind.ts'
import { createSystem, type Suspended, type System } from './lifecycle.ts'

const able: Behaviour = {
  suspend: (instance) => ({ was: (instance as Thing).name }),
  resume: (_config, _dependencies, suspended) => ({ name: `resumed ${JSON.stringify(suspended)}` }),
}

/** Two generations that write into one journal; the second marks its lines with an apostrophe. */
const generations = (
  graph: Readonly<Record<string, readonly string[]>>,
  before: Readonly<Record<string, Behaviour>>,
  after: Readonly<Record<string, Behaviour>> = before,
  graphAfter = graph,
) => {
  const journal: Journal = []
  const newJournal = { push: (line: string) => journal.push(`${line}'`) } as unknown as Journal
  const old = createSystem(thingsConfig(graph, before, journal))
  const next = (suspended: Suspended): System<AnySystemConfig> =>
    createSystem(thingsConfig(graphAfter, after, newJournal), { suspended })
  return { journal, old, next }
}
const statesIn = ({ components }: Suspended) => [...components].map(([name, { state }]) => [name, state])
const mapOf = (system: System<AnySystemConfig>) => system.map as Record<string, Thing>

describe('suspending', () => {
  it('goes in reverse order, suspending what can be and stopping the rest', async () => {
    const { journal, old } = generations(
      { server: ['handler'], handler: ['log'], log: [] },
      { server: able, log: able },
    )
    await old.start()
    const suspended = await old.suspend()
    expect(journal.slice(3)).toEqual(['suspend server', 'stop handler', 'suspend log'])
    expect(statesIn(suspended)).toEqual([
      ['server', { was: 'server' }],
      ['log', { was: 'log' }],
    ])
    expect(suspended.errors).toEqual([])
    expect(statesOf(old)).toEqual({ log: 'suspended', handler: 'stopped', server: 'suspended' })
    expect(old.state).toBe('stopped')
    expect(Object.keys(old.map)).toEqual([])
  })

  it.each([
    ['throws', boom],
    ['rejects', () => Promise.reject(new Error('boom'))],
  ])('stops a component instead whose suspend %s, and says so', async (_, suspend) => {
    const { journal, old } = generations({ a: [], b: ['a'] }, { a: able, b: { ...able, suspend } })
    await old.start()
    const { components, errors } = await old.suspend()
    expect(journal.slice(2)).toEqual(['suspend b', 'stop b', 'suspend a'])
    expect([...components.keys()]).toEqual(['a'])
    expect(errors).toMatchObject([{ code: 'SUSPEND_FAILED', component: 'b', phase: 'suspend' }])
    expect(old.status()[1]).toMatchObject({ name: 'b', state: 'stopped', error: errors[0] })
  })

  describe('with a deadline', () => {
    afterEach(() => {
      vi.useRealTimers()
    })
    it('stops a component that hangs', async () => {
      const { journal, old } = generations({ a: [] }, { a: { ...able, suspend: () => new Promise(() => undefined) } })
      await old.start()
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      const suspending = old.suspend()
      await vi.advanceTimersByTimeAsync(10_000)
      expect((await suspending).errors).toMatchObject([{ code: 'SUSPEND_FAILED', component: 'a' }])
      expect(journal.slice(1)).toEqual(['suspend a', 'stop a'])
    })
  })

  it('reports a component that neither suspends nor stops', async () => {
    const { old } = generations({ a: [] }, { a: { ...able, suspend: boom, stop: boom } })
    await old.start()
    const { errors } = await old.suspend()
    expect(errors).toMatchObject([{ code: 'SUSPEND_FAILED' }, { code: 'STOP_FAILED' }])
    // Once is enough: a stop reports what it stops itself.
    await old.stop()
  })

  it('leaves everything to be released when no successor comes', async () => {
    const { journal, old } = generations({ a: [], b: ['a'] }, { a: able, b: able })
    await old.start()
    await old.suspend()
    await old.stop()
    expect(journal.slice(4)).toEqual(['stop b', 'stop a'])
    expect(statesOf(old)).toEqual({ a: 'stopped', b: 'stopped' })
  })

  it('reports a suspended component that then does not stop', async () => {
    const { old } = generations({ a: [] }, { a: { ...able, stop: boom } })
    await old.start()
    expect((await old.suspend()).errors).toEqual([])
    expect(await failure(old.stop())).toMatchObject({ code: 'STOP_FAILED', errors: [{ component: 'a' }] })
  })

  it('is waited for by a stop, which then releases everything', async () => {
    const slow = deferred<object>()
    const { journal, old } = generations({ a: [], b: ['a'] }, { a: able, b: { ...able, suspend: () => slow.promise } })
    await old.start()
    const suspending = old.suspend()
    const stopped = old.stop()
    await turn()
    expect(journal.slice(2)).toEqual(['suspend b'])
    slow.resolve({})
    await suspending
    await stopped
    expect(journal.slice(2)).toEqual(['suspend b', 'suspend a', 'stop b', 'stop a'])
  })

  it('is a stop for a system that is not running', async () => {
    const slow = deferred<Thing>()
    const { journal, old } = generations({ a: [], b: ['a'] }, { a: able, b: { ...able, start: () => slow.promise } })
    const started = failure(old.start())
    await turn()
    const suspending = old.suspend()
    slow.resolve({ name: 'b' })
    expect((await suspending).components.size).toBe(0)
    expect(await started).toMatchObject({ code: 'START_INTERRUPTED' })
    expect(journal.slice(2)).toEqual(['stop b', 'stop a'])
  })
})

describe('resuming', () => {
  it('hands each component what its predecessor left, whose stop is then never called', async () => {
    const { journal, old, next } = generations({ a: [], b: ['a'] }, { a: able, b: able })
    await old.start()
    const system = next(await old.suspend())
    await system.start()
    expect(journal.slice(4)).toEqual(["resume a'", "resume b'"])
    expect(mapOf(system)['b']).toEqual({ name: 'resumed {"was":"b"}' })
    expect(statesOf(old)).toEqual({ a: 'stopped', b: 'stopped' })
    await old.stop()
    await system.stop()
    expect(journal.slice(6)).toEqual(["stop b'", "stop a'"])
  })

  it('releases what cannot be resumed before anything starts, dependents first', async () => {
    const graph = { log: [], gone: ['log'], renamed: ['gone'], other: [], unable: [], kept: [] }
    const { resume: _, ...unable } = able
    const Other = kind<Thing>()('Other')
    const { journal, old, next } = generations(
      graph,
      { log: able, gone: able, renamed: able, other: able, unable: able, kept: able },
      { log: able, unable, other: { ...able, provides: Other }, kept: able },
      { log: [], fresh: ['log'], other: [], unable: [], kept: [] } as never,
    )
    await old.start()
    const suspended = await old.suspend()
    journal.length = 0
    await next(suspended).start()
    const stops = journal.filter((line) => line.startsWith('stop'))
    expect(journal.slice(0, 4)).toEqual(stops)
    expect(stops.toSorted()).toEqual(['stop gone', 'stop other', 'stop renamed', 'stop unable'])
    expect(stops.indexOf('stop renamed')).toBeLessThan(stops.indexOf('stop gone'))
    expect(journal.slice(4).toSorted()).toEqual([
      "resume kept'",
      "resume log'",
      "start fresh'",
      "start other'",
      "start unable'",
    ])
  })

  it('releases a component that is disabled now', async () => {
    const { journal, old, next } = generations({ a: [] }, { a: able }, { a: { ...able, enabled: false } })
    await old.start()
    await next(await old.suspend()).start()
    expect(journal).toEqual(['start a', 'suspend a', 'stop a'])
  })

  it('says which components were resumed', async () => {
    const { old, next } = generations({ a: [], b: [] }, { a: able })
    await old.start()
    const system = next(await old.suspend())
    await system.start()
    expect(system.status().map(({ name, resumed }) => [name, resumed])).toEqual([
      ['a', true],
      ['b', false],
    ])
  })

  describe('that fails', () => {
    /** A start that resumes `a`, starts `fresh` and fails at `b`, so that `c` is not reached. */
    const failed = async (after: Readonly<Record<string, Behaviour>> = {}) => {
      const { journal, old, next } = generations(
        { a: [], b: ['a'], c: ['b'] },
        { a: able, b: able, c: able },
        { a: able, b: { ...able, resume: boom }, c: able, ...after },
        { a: [], fresh: ['a'], b: ['fresh'], c: ['b'] } as never,
      )
      await old.start()
      const system = next(await old.suspend())
      journal.length = 0
      const error = await failure(system.start())
      return { journal, old, system, error }
    }

    it('suspends again what it resumed, and stops what it started', async () => {
      const { journal, old, system, error } = await failed()
      expect(error).toMatchObject({ code: 'START_FAILED', component: 'b', phase: 'resume', errors: [] })
      expect(journal).toEqual(["resume a'", "start fresh'", "resume b'", "stop fresh'", "suspend a'"])
      expect(statesOf(old)).toEqual({ a: 'stopped', b: 'suspended', c: 'suspended' })
      expect(statesOf(system)).toEqual({ a: 'suspended', fresh: 'stopped', b: 'failed', c: 'blocked' })
      expect(system.state).toBe('failed')
    })

    it('hands back the state of all: as it is since the failed start where that had resumed it', async () => {
      const { journal, old, system } = await failed()
      const left = await system.suspend()
      expect(statesIn(left)).toEqual([
        ['c', { was: 'c' }],
        ['b', { was: 'b' }],
        ['a', { was: 'resumed {"was":"a"}' }],
      ])
      journal.length = 0
      const third = createSystem(thingsConfig({ a: [], b: ['a'], c: ['b'] }, { a: able, b: able, c: able }, journal), {
        suspended: left,
      })
      await third.start()
      expect(journal).toEqual(['resume a', 'resume b', 'resume c'])
      expect(statesOf(old)).toEqual({ a: 'stopped', b: 'stopped', c: 'stopped' })
      expect(statesOf(system)).toMatchObject({ a: 'stopped', fresh: 'stopped' })
      await old.stop()
      await system.stop()
      expect(journal).toHaveLength(3)
    })

    it('hands back the older state of what cannot be suspended again', async () => {
      const { journal, system, error } = await failed({ a: { ...able, suspend: boom } })
      expect(error.errors).toMatchObject([{ code: 'SUSPEND_FAILED', component: 'a' }])
      expect(journal.slice(-2)).toEqual(["suspend a'", "stop a'"])
      expect(statesIn(await system.suspend()).at(-1)).toEqual(['a', { was: 'a' }])
    })

    it('hands back the state of what had to be released for it', async () => {
      const { system, old } = await failed({ c: { enabled: false } })
      expect(statesOf(old)).toMatchObject({ c: 'stopped' })
      expect(statesIn(await system.suspend())[0]).toEqual(['c', { was: 'c' }])
    })

    it('leaves everything to be released when no other comes, dependents first', async () => {
      const { journal, old, system } = await failed()
      journal.length = 0
      await system.stop()
      expect(journal).toEqual(['stop c', 'stop b', "stop a'"])
      expect(statesOf(old)).toEqual({ a: 'stopped', b: 'stopped', c: 'stopped' })
      expect(statesOf(system)).toMatchObject({ a: 'stopped' })
      expect((await system.suspend()).components.size).toBe(0)
    })

    it('reports what then cannot be released', async () => {
      const { system } = await failed({ a: { ...able, stop: boom } })
      expect(await failure(system.stop())).toMatchObject({ code: 'STOP_FAILED', errors: [{ component: 'a' }] })
    })
  })

  it('that is stopped meanwhile releases everything', async () => {
    const slow = deferred<Thing>()
    const { journal, old, next } = generations(
      { a: [], b: ['a'], c: ['b'] },
      { a: able, b: able, c: able },
      { a: able, b: { ...able, resume: () => slow.promise }, c: able },
    )
    await old.start()
    const system = next(await old.suspend())
    journal.length = 0
    const started = failure(system.start())
    await turn()
    const stopped = system.stop()
    slow.resolve({ name: 'b' })
    await stopped
    expect(await started).toMatchObject({ code: 'START_INTERRUPTED' })
    expect(journal).toEqual(["resume a'", "resume b'", "stop b'", "stop a'", 'stop c'])
    expect(statesOf(old)).toEqual({ a: 'stopped', b: 'stopped', c: 'stopped' })
    expect((await system.suspend()).components.size).toBe(0)
  })

  it('continues if a predecessor cannot be released, and reports it with a start that fails', async () => {
    const { old, next } = generations({ a: [], b: [] }, { a: { ...able, stop: boom } }, { b: { start: boom } }, {
      b: [],
    } as never)
    await old.start()
    const error = await failure(next(await old.suspend()).start())
    expect(error).toMatchObject({ component: 'b', errors: [{ code: 'STOP_FAILED', component: 'a' }] })
    expect(old.status()[0]).toMatchObject({ name: 'a', state: 'failed', error: { code: 'STOP_FAILED' } })
  })
})
