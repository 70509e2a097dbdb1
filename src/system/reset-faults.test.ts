/** A reset that fails, at every step and in every component: the old generation goes on as if nothing had been tried. */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { beforeEach, describe, expect, test } from 'vitest'
import { failure } from '../../test/system/journal.ts'
import { answersOf, type Live, LiveWorld } from '../../test/system/live-world.ts'
import type { AnySystemConfig } from './define-system.ts'
import { createSystem, type System } from './lifecycle.ts'

let world: LiveWorld
let system: System

/** One component for each verdict. The second generation differs in all but `kept`. */
const config = (generation: 1 | 2): AnySystemConfig => ({
  kept: world.entry('kept', 1, {}),
  rules: world.entry('rules', generation, { policy: true }),
  store: world.entry('store', 1, { adjust: true }, { value: generation, on: ['kept'] }),
  cache: world.entry('cache', 1, { handover: true }, { value: generation, on: ['store'] }),
  handler: world.entry(
    'handler',
    generation,
    { adjust: true, handover: true },
    { on: ['store', 'cache'], policies: ['rules'] },
  ),
  server: world.entry('server', 1, { adjust: true, connections: 3 }, { on: ['handler'] }),
  plain: world.entry('plain', 1, { suspend: true }, { value: generation }),
  user: world.entry('user', 1, { adjust: true, handover: true }, { on: ['plain'] }),
  late: world.entry('late', 1, {}, { on: ['handler'] }),
  ...(generation === 1
    ? { gone: world.entry('gone', 1, { policy: true }) }
    : { fresh: world.entry('fresh', 1, {}, { on: ['kept'] }) }),
})
const verdicts = {
  kept: 'keep',
  rules: 'restart',
  store: 'adjust',
  cache: 'swap',
  handler: 'swap',
  server: 'adjust',
  plain: 'restart',
  user: 'restart',
  late: 'restart',
  fresh: 'start',
  gone: 'stop',
}
/** Those whose state and identity no failure may change. */
const untouched = ['kept', 'store', 'cache', 'handler', 'server']
const instances = (): Record<string, Live> => ({ ...(system.map as unknown as Record<string, Live>) })

beforeEach(async () => {
  world = new LiveWorld()
  system = createSystem(config(1)) as System
  await system.start()
  for (const name of [...untouched, 'plain']) instances()[name]!.entries.push('first')
  world.journal.length = 0
})

/** Nothing is left over: every instance that was not ended is one that runs. */
const expectWhole = (): void => {
  expect(system.state).toBe('running')
  expect(system.status().map(({ state }) => state)).toEqual(system.order.map(() => 'running'))
  expect(new Set(world.alive)).toEqual(new Set(Object.values(instances())))
  expect(system.underWay).toEqual([])
}

/** A reset without a fault takes everything in. */
const expectRecovery = async (): Promise<void> => {
  world.fault = undefined
  await system.apply(config(2))
  expectWhole()
  expect(answersOf(system)['server']).toMatch(/^server\.1 active 1 \[first\] \(handler\.2 active 1 \[first,/)
  expect(answersOf(system)['plain']).toBe('plain.1 active 2 [first]')
}

test('without a fault all of it is applied', async () => {
  const report = await system.apply(config(2))
  expect(Object.fromEntries(report.parts.map(({ name, verdict }) => [name, verdict]))).toEqual(verdicts)
  expect(report.errors).toEqual([])
  expectWhole()
})

const before: readonly (readonly [string, readonly string[], readonly ('throw' | 'reject' | 'hang')[]])[] = [
  ['prepare', ['cache', 'handler'], ['throw', 'reject', 'hang']],
  ['adjust', ['store', 'server'], ['hang']],
  ['give', ['cache', 'handler'], ['throw']],
  ['census', ['cache', 'handler'], ['throw']],
  ['start', ['rules', 'fresh', 'user'], ['throw', 'reject', 'hang']],
  ['resume', ['plain'], ['throw', 'reject', 'hang']],
  ['take', ['cache', 'handler'], ['throw']],
  ['commit', ['store', 'server'], ['throw']],
]
const cases = before.flatMap(([step, names, ways]) => names.flatMap((name) => ways.map((how) => ({ step, name, how }))))

describe('a failure before or in the cut-over', () => {
  test.each(cases)('$how in $step of $name leaves all instances what they were', async ({ step, name, how }) => {
    const [was, answers] = [instances(), answersOf(system)]
    world.fault = { step, name, how, times: 1 }
    const error = await failure(system.apply(config(2)))
    expect(error).toMatchObject({ code: 'RESET_FAILED', component: name, phase: step, undoErrors: [] })
    const is = instances()
    for (const each of untouched) expect(is[each], each).toBe(was[each])
    expect(answersOf(system)).toEqual(answers)
    expect(system.config).toBe(system.config)
    expectWhole()
    await expectRecovery()
  })

  test.each<[string, string, { adjust?: () => unknown; handover?: object }]>([
    ['adjust', 'store', { adjust: () => undefined }],
    ['adjust', 'store', { adjust: () => ({ commit: () => undefined }) }],
    ['commit', 'store', { adjust: () => ({ commit: () => Promise.reject(new Error('late')), undo: () => undefined }) }],
    ['give', 'cache', { handover: { give: () => Promise.reject(new Error('late')) } }],
    ['take', 'cache', { handover: { take: () => Promise.reject(new Error('late')) } }],
  ])('%s of %s with a wrong result, such as that of an async function', async (phase, name, wrong) => {
    const [was, answers] = [instances(), answersOf(system)]
    const good = config(2)
    const { component } = good[name]!
    const handover = { ...component.handover, ...wrong.handover }
    const changed: object = { ...component, ...wrong, ...(component.handover !== undefined && { handover }) }
    // What adjusts and gives is the old code.
    const old = createSystem({ ...config(1), [name]: { ...config(1)[name]!, component: changed } } as AnySystemConfig)
    const isOfOld = phase === 'adjust' || phase === 'commit' || phase === 'give'
    if (isOfOld) {
      await system.stop()
      system = old as System
      await system.start()
    }
    const [before, said] = isOfOld ? [instances(), answersOf(system)] : [was, answers]
    const error = await failure(system.apply({ ...good, [name]: { ...good[name]!, component: changed } }))
    expect(error).toMatchObject({ code: 'RESET_FAILED', component: name, phase, undoErrors: [] })
    for (const each of untouched) expect(instances()[each], each).toBe(before[each])
    expect(answersOf(system)).toEqual(said)
  })

  // The state before is counted in the rehearsal and in the cut-over.
  test.each([
    ['give', 2],
    ['census', 3],
  ])('%s that fails in the cut-over, and not in the rehearsal', async (step, call) => {
    const answers = answersOf(system)
    let calls = 0
    world.onStep = (at, name) => {
      if (at !== step || name !== 'handler') return
      calls += 1
      if (calls === call) throw new Error('boom')
    }
    expect(await failure(system.apply(config(2)))).toMatchObject({ component: 'handler', phase: step })
    expect(world.journal).toContain('undo cache')
    expect(answersOf(system)).toEqual(answers)
    expectWhole()
  })

  test('a census that differs afterwards', async () => {
    const answers = answersOf(system)
    world.onStep = (step, name) => {
      if (step === 'commit' && name === 'server') instances()['handler']!.entries.push('lost its way')
    }
    const error = await failure(system.apply(config(2)))
    expect(error).toMatchObject({ code: 'RESET_FAILED', component: 'handler', phase: 'census' })
    expect(error.message).toContain('the census of handler failed: entries: 1 before, 2 after')
    world.onStep = () => {}
    instances()['handler']!.entries = ['first']
    expect(answersOf(system)).toEqual(answers)
    expectWhole()
  })

  test('a settle that throws', async () => {
    const answers = answersOf(system)
    Object.assign(instances()['server']!, {
      settle: () => {
        throw new Error('boom')
      },
    })
    expect(await failure(system.apply(config(2)))).toMatchObject({ component: 'server', phase: 'settle' })
    expect(answersOf(system)).toEqual(answers)
    expectWhole()
  })

  test('is undone in reverse, in the same turn', async () => {
    world.fault = { step: 'commit', name: 'server', how: 'throw', times: 1 }
    let turned = false
    world.onStep = (step, name) => {
      if (step === 'take' && name === 'cache') setImmediate(() => (turned = true))
      if (step === 'undo') expect(turned).toBe(false)
    }
    await failure(system.apply(config(2)))
    const undone = world.journal.filter((line) => line.startsWith('undo'))
    expect(undone).toEqual(['undo server', 'undo handler', 'undo cache', 'undo store'])
    const discarded = world.journal.filter((line) => line.startsWith('discard'))
    expect(discarded.toSorted()).toEqual(['discard cache', 'discard handler', 'discard server', 'discard store'])
  })

  test('what cannot be undone is named', async () => {
    world.fault = { step: 'commit', name: 'server', how: 'throw', times: 1 }
    world.onStep = (step, name) => {
      if (step === 'undo' && name === 'cache') throw new Error('stuck')
    }
    const error = await failure(system.apply(config(2)))
    expect(error).toMatchObject({ component: 'server', undoErrors: [{ component: 'cache', phase: 'undo' }] })
    expect(world.journal).toContain('undo store')
  })

  test('what cannot be discarded is reported', async () => {
    world.fault = { step: 'prepare', name: 'handler', how: 'reject', times: 1 }
    world.onStep = (step, name) => {
      if (step === 'discard' && name === 'cache') throw new Error('stuck')
    }
    expect((await failure(system.apply(config(2)))).errors).toMatchObject([{ component: 'cache', phase: 'discard' }])
  })
})

describe('a failure after the cut-over', () => {
  test.each(['throw', 'reject', 'hang'] as const)(
    '%s in the start of a late component goes back to the old config',
    async (how) => {
      const [was, answers] = [instances(), answersOf(system)]
      world.fault = { step: 'start', name: 'late', how, times: 1 }
      const error = await failure(system.apply(config(2)))
      expect(error).toMatchObject({ code: 'RESET_FAILED', component: 'late', phase: 'start' })
      const is = instances()
      for (const each of ['kept', 'store', 'server']) expect(is[each], each).toBe(was[each])
      // The swapped ones were swapped back: they say by whom they were taken.
      const plain = (text: string): string => text.replaceAll(/,taken by \d/g, '')
      for (const [name, answer] of Object.entries(answersOf(system))) expect(plain(answer), name).toBe(answers[name])
      expectWhole()
      await expectRecovery()
    },
  )

  const reported = [
    ['done', 'store'],
    ['retire', 'handler'],
    ['stop', 'gone'],
    ['stop', 'rules'],
    ['stop', 'user'],
    ['suspend', 'plain'],
  ].flatMap(([step, name]) => (['throw', 'reject', 'hang'] as const).map((how) => ({ step: step!, name: name!, how })))
  test.each(reported)('$how in $step of $name is reported, and the reset is applied', async ({ step, name, how }) => {
    world.fault = { step, name, how, times: 1 }
    const report = await system.apply(config(2))
    expect(report.errors).toMatchObject([{ component: name, phase: step }])
    expect(answersOf(system)['server']).toContain('handler.2 active')
    expect(system.status().map(({ state }) => state)).toEqual(system.order.map(() => 'running'))
  })
})

describe('a failure that cannot be undone', () => {
  test('ends everything, and keeps what was suspended', async () => {
    world.fault = { step: 'resume', name: 'plain', how: 'reject' }
    const error = await failure(system.apply(config(2)))
    expect(error).toMatchObject({ code: 'UNDO_FAILED', component: 'plain', phase: 'resume' })
    expect(error.errors).toMatchObject([{ code: 'START_FAILED', component: 'plain' }])
    expect(system.state).toBe('failed')
    expect(system.underWay).toEqual([])
    const { components } = await system.suspend()
    expect([...components].map(([name, { state }]) => [name, state])).toEqual([['plain', { entries: ['first'] }]])
    expect(world.alive.map(({ name }) => name)).toEqual(['plain'])

    // Another system goes on from there.
    world.fault = undefined
    const next = createSystem(config(1), { suspended: { components, errors: [] } }) as System
    await next.start()
    expect(answersOf(next)['plain']).toBe('plain.1 active 1 [first]')
    await next.stop()
    await system.stop()
    expect(world.alive).toEqual([])
  })
})

test('an adjustment that comes after its deadline is discarded', async () => {
  let answer = (_: unknown): void => {}
  const entry = config(1)['store']!
  const component = {
    ...entry.component,
    adjust: () => new Promise((resolve) => (answer = resolve as never)),
  }
  const slow = { ...config(1), store: { ...entry, component, startDeadlineMs: 1 } } as AnySystemConfig
  await system.apply(slow)
  const changed = { ...slow, store: { ...slow['store']!, config: { value: 7 } } }
  expect(await failure(system.apply(changed))).toMatchObject({
    code: 'RESET_FAILED',
    phase: 'adjust',
    component: 'store',
  })
  const discarded = new Promise((resolve) => answer({ discard: resolve }))
  await discarded
  expectWhole()
})

test('200 resets leave no chain of generations', async () => {
  const references: WeakRef<object>[] = []
  for (let count = 0; count < 200; count += 1) {
    await system.apply(config(count % 2 === 0 ? 2 : 1))
    references.push(new WeakRef(instances()['handler']!), new WeakRef(system.config))
  }
  expectWhole()
  // The ones that the world remembers are held by it.
  world.made.length = 0
  world.journal.length = 0
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let round = 0; round < 3; round += 1) {
    await new Promise((resolve) => setImmediate(resolve))
    collect()
  }
  const alive = references.slice(0, -4).filter((reference) => reference.deref() !== undefined)
  expect(alive.length).toBeLessThanOrEqual(2)
})
