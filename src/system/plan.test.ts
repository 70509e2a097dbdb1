import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { AnyComponent } from './component.ts'
import { defineComponent } from './define-system.ts'
import { exclusive, kind, many } from './kind.ts'
import { type DetailedPlan, type PlanEntry, planReset, type RunningEntry } from './plan.ts'

interface Thing {
  readonly name: string
}
const Thing = kind<Thing>()('Thing')
const Other = kind<Thing>()('Other')
const Policy = kind<Thing>()('Policy', { stateless: true })

type Extra = Partial<
  Pick<AnyComponent, 'provides' | 'needs' | 'adjust' | 'handover' | 'exclusive' | 'fixed' | 'suspend' | 'resume'>
>

const make = (extra: Extra = {}): AnyComponent =>
  ({
    ...defineComponent({
      provides: Thing,
      needs: { on: many(Thing) },
      config: z.unknown(),
      start: () => ({ name: '' }),
    }),
    ...extra,
  }) as AnyComponent

const adjust = () => ({ commit: () => {}, undo: () => {} })
const handover = (version = 1, format = 'thing', migrate = {}): NonNullable<AnyComponent['handover']> => ({
  format,
  version,
  migrate,
  prepare: () => ({}),
  give: () => ({}),
  take: () => () => {},
  retire: () => {},
})

interface Sketch {
  readonly component: AnyComponent
  readonly config?: unknown
  readonly on?: readonly string[]
  readonly files?: Readonly<Record<string, string>>
  readonly connections?: Readonly<Record<string, number>>
}
const entryOf = ({ component, config = {}, on = [], files = {}, connections }: Sketch): RunningEntry => ({
  component,
  written: config,
  config,
  files: new Map(Object.entries(files)),
  wires: [{ need: 'on', mode: 'many', names: on }],
  connections,
})
const entries = (sketches: Readonly<Record<string, Sketch>>): Map<string, RunningEntry> =>
  new Map(Object.entries(sketches).map(([name, sketch]) => [name, entryOf(sketch)]))

const planOf = (
  running: Readonly<Record<string, Sketch>>,
  next: Readonly<Record<string, Sketch>>,
  options: Parameters<typeof planReset>[2] = {},
): DetailedPlan => planReset(entries(running), entries(next) as Map<string, PlanEntry>, options)

const verdicts = ({ parts }: DetailedPlan): Record<string, string> =>
  Object.fromEntries(parts.map(({ name, verdict }) => [name, verdict]))
const reasons = ({ parts }: DetailedPlan, name: string): readonly string[] =>
  parts.find((part) => part.name === name)!.reasons

describe('one component', () => {
  const plain = make()
  const adjustable = make({ adjust })
  const swappable = make({ handover: handover() })
  const both = make({ adjust, handover: handover() })
  /** It keeps its path. */
  const keeping = make({ adjust, handover: handover(), fixed: (config) => [(config as { path: string }).path] })
  const edited = (component: AnyComponent, extra: Extra = {}): AnyComponent => ({ ...component, ...extra })

  test.each<[string, Sketch, Sketch, string, readonly string[]]>([
    ['that is the same', { component: both }, { component: both }, 'keep', []],
    [
      'config, with adjust',
      { component: both, config: { a: 1 } },
      { component: both, config: { a: 2 } },
      'adjust',
      ['config.a: 1 → 2'],
    ],
    [
      'config, with a hand-over',
      { component: swappable, config: { a: 1 } },
      { component: swappable, config: { a: 2 } },
      'swap',
      ['config.a: 1 → 2'],
    ],
    [
      'config, with neither',
      { component: plain, config: { a: 1 } },
      { component: plain, config: { a: 2 } },
      'restart',
      ['config.a: 1 → 2'],
    ],
    [
      'a secret',
      { component: adjustable, config: { a: 'x' } },
      { component: adjustable, config: { a: 'y' } },
      'adjust',
      ['config.a'],
    ],
    [
      'a file',
      { component: adjustable, files: { 'a.pem': '1' } },
      { component: adjustable, files: { 'a.pem': '2' } },
      'adjust',
      ['a.pem changed'],
    ],
    ['code, with a hand-over', { component: both }, { component: edited(both) }, 'swap', ['its code changed']],
    [
      'code, with adjust alone',
      { component: adjustable },
      { component: edited(adjustable) },
      'restart',
      ['its code changed'],
    ],
    [
      'code, only the old one hands over',
      { component: swappable },
      { component: edited(plain) },
      'restart',
      ['its code changed'],
    ],
    [
      'code, only the new one takes over',
      { component: plain },
      { component: edited(swappable) },
      'restart',
      ['its code changed'],
    ],
    [
      'code, another format',
      { component: swappable },
      { component: make({ handover: handover(1, 'b') }) },
      'restart',
      ['its code changed'],
    ],
    [
      'code, a later version without migration',
      { component: swappable },
      { component: make({ handover: handover(2) }) },
      'restart',
      ['its code changed'],
    ],
    [
      'code, a later version with migration',
      { component: swappable },
      { component: make({ handover: handover(3, 'thing', { 1: Object, 2: Object }) }) },
      'swap',
      ['its code changed'],
    ],
    [
      'code, a gap in the migrations',
      { component: swappable },
      { component: make({ handover: handover(3, 'thing', { 2: Object }) }) },
      'restart',
      ['its code changed'],
    ],
    [
      'config that is fixed, with adjust and a hand-over',
      { component: keeping, config: { path: 'a' } },
      { component: keeping, config: { path: 'b' } },
      'restart',
      ['config.path'],
    ],
    [
      'code and config that is not fixed',
      { component: keeping, config: { path: 'a', size: 1 } },
      { component: edited(keeping), config: { path: 'a', size: 2 } },
      'swap',
      ['its code changed', 'config.size: 1 → 2'],
    ],
    [
      'code, an earlier version',
      { component: make({ handover: handover(2) }) },
      { component: swappable },
      'restart',
      ['its code changed'],
    ],
    [
      'another kind',
      { component: both },
      { component: make({ provides: Other, adjust, handover: handover() }) },
      'restart',
      ['provides Other instead of Thing'],
    ],
  ])('%s', (_, before, after, verdict, expected) => {
    const plan = planOf({ a: before }, { a: after })
    expect(plan.parts).toEqual([{ name: 'a', kind: after.component.provides.name, verdict, reasons: expected }])
  })

  test('that is new starts, and one that is gone stops and comes last', () => {
    const plan = planOf(
      { gone: { component: plain }, a: { component: plain } },
      { a: { component: plain }, b: { component: plain } },
    )
    expect(plan.parts.map(({ name, verdict }) => [name, verdict])).toEqual([
      ['a', 'keep'],
      ['b', 'start'],
      ['gone', 'stop'],
    ])
  })

  test('whose adjust refuses is swapped, and restarted without a hand-over', () => {
    const refused = new Set(['a', 'b'])
    const before = { a: { component: both, config: 1 }, b: { component: adjustable, config: 1 } }
    const after = { a: { component: both, config: 2 }, b: { component: adjustable, config: 2 } }
    expect(verdicts(planOf(before, after, { refused }))).toEqual({ a: 'swap', b: 'restart' })
  })

  test('names the files that changed if they are known', () => {
    const changedFiles = () => ['components/a/publish.ts']
    const plan = planOf({ a: { component: both } }, { a: { component: edited(both) } }, { changedFiles })
    expect(reasons(plan, 'a')).toEqual(['components/a/publish.ts changed'])
  })

  test('whose code changed shows no differences of what its schema made of the same text', () => {
    const parsed = (component: AnyComponent): RunningEntry => ({
      ...entryOf({ component }),
      config: { at: Symbol('x') },
    })
    const plan = planReset(new Map([['a', parsed(both)]]), new Map([['a', parsed(edited(both))]]))
    expect(reasons(plan, 'a')).toEqual(['its code changed'])
  })
})

describe('neighbours', () => {
  const plain = make()
  const adjustable = make({ adjust })
  const swappable = make({ handover: handover() })
  const policy = make({ provides: Policy })
  const changed = { config: { a: 2 } }
  /** What becomes of `b`, which depends on `a`, when the config of `a` changes. */
  const dependent = (a: AnyComponent, b: AnyComponent) =>
    planOf(
      { a: { component: a }, b: { component: b, on: ['a'] } },
      { a: { component: a, ...changed }, b: { component: b, on: ['a'] } },
    )

  test.each<[string, AnyComponent, AnyComponent, string, readonly string[]]>([
    ['adjusted: its dependents are kept', adjustable, plain, 'keep', []],
    ['swapped, with adjust', swappable, adjustable, 'adjust', ['a is swapped']],
    ['swapped, with a hand-over', swappable, swappable, 'swap', ['a is swapped']],
    ['swapped, with neither', swappable, plain, 'restart', ['a is swapped']],
    ['restarted', plain, make({ adjust, handover: handover() }), 'restart', ['a is restarted']],
    ['restarted and stateless, with adjust', policy, adjustable, 'adjust', ['a is restarted']],
    ['restarted and stateless, with a hand-over', policy, swappable, 'swap', ['a is restarted']],
    ['restarted and stateless, with neither', policy, plain, 'restart', ['a is restarted']],
  ])('%s', (_, a, b, verdict, expected) => {
    const plan = dependent(a, b)
    expect(verdicts(plan)['b']).toBe(verdict)
    expect(reasons(plan, 'b')).toEqual(expected)
  })

  test('a restart goes up through all that depend on it, and no further', () => {
    const chain = (config: object) => ({
      other: { component: adjustable },
      a: { component: plain, config },
      b: { component: adjustable, on: ['a', 'other'] },
      c: { component: adjustable, on: ['b'] },
    })
    const plan = planOf(chain({ a: 1 }), chain({ a: 2 }))
    expect(verdicts(plan)).toEqual({ other: 'keep', a: 'restart', b: 'restart', c: 'restart' })
    expect([...plan.endFirst].toSorted()).toEqual(['a', 'b', 'c'])
  })

  test('a restart takes with it what the component needs exclusively, and what depends on that', () => {
    const owner = make({ needs: { on: exclusive(Thing) } })
    const chain = (config: object) => ({
      base: { component: adjustable },
      store: { component: make({ adjust }), on: ['base'] },
      reader: { component: adjustable, on: ['store'] },
      owner: { component: owner, config, on: ['store'] },
    })
    const before = chain({ a: 1 })
    const plan = planOf(before, { ...before, owner: { ...before.owner, config: { a: 2 } } })
    expect(verdicts(plan)).toEqual({ base: 'keep', store: 'restart', reader: 'restart', owner: 'restart' })
    expect(reasons(plan, 'store')).toEqual(['owner is restarted'])
    expect(reasons(plan, 'owner')).toEqual(['config.a: 1 → 2', 'store is restarted'])
  })

  test('other wires are an adjustment', () => {
    const plan = planOf(
      { a: { component: plain }, b: { component: adjustable } },
      { a: { component: plain }, b: { component: adjustable, on: ['a'] } },
    )
    expect(verdicts(plan)).toEqual({ a: 'keep', b: 'adjust' })
    expect(reasons(plan, 'b')).toEqual(['dependencies.on'])
  })

  test('what starts over a swapped component is late, and so is what needs it, which restarts', () => {
    const plan = planOf(
      { a: { component: swappable }, c: { component: adjustable } },
      {
        a: { component: swappable, ...changed },
        b: { component: plain, on: ['a'] },
        c: { component: adjustable, on: ['b'] },
      },
    )
    expect(verdicts(plan)).toEqual({ a: 'swap', b: 'start', c: 'restart' })
    expect([...plan.late]).toEqual(['b', 'c'])
  })

  test('a stateless component that can only start late restarts its dependents', () => {
    const sketch = (a: AnyComponent, config: object) => ({
      a: { component: a, config },
      b: { component: policy, on: ['a'] },
      c: { component: adjustable, on: ['b'] },
    })
    const plan = planOf(sketch(swappable, { a: 1 }), sketch(swappable, { a: 2 }))
    expect(verdicts(plan)).toEqual({ a: 'swap', b: 'restart', c: 'restart' })
    expect([...plan.late]).toEqual(['b', 'c'])
  })

  test('an adjusted component delays what starts over it, unless it is stateless', () => {
    const over = (provides: AnyComponent['provides']) => {
      const component = make({ adjust, provides })
      return planOf({ a: { component } }, { a: { component, ...changed }, b: { component: plain, on: ['a'] } })
    }
    expect([...over(Thing).late]).toEqual(['b'])
    expect([...over(Policy).late]).toEqual([])
  })
})

describe('what ends before anything is created', () => {
  const adjustable = make({ adjust })
  const port = (provides: AnyComponent['provides'] = Thing) =>
    make({ provides, exclusive: (config: unknown) => [`tcp:${config}`] })
  const files = make({ provides: Policy, exclusive: () => ['file:log'] })
  const restarts = (component: AnyComponent) =>
    planOf(
      { a: { component, config: 1 }, b: { component: adjustable, on: ['a'] } },
      { a: { component, config: 2 }, b: { component: adjustable, on: ['a'] } },
    )

  test.each<[string, AnyComponent, readonly string[]]>([
    ['a component with state', make(), ['a', 'b']],
    ['not a stateless one', make({ provides: Policy }), []],
    ['a stateless one that holds what its successor needs', files, ['a']],
    [
      'a stateless one that hands its state to its successor',
      make({ provides: Policy, suspend: () => 1, resume: () => ({ name: '' }) }),
      ['a'],
    ],
  ])('%s', (_, component, expected) => {
    expect([...restarts(component).endFirst].toSorted()).toEqual(expected)
  })

  test.each<[string, Sketch, Sketch, readonly string[]]>([
    [
      'a holder of the same port under another name',
      { component: port(), config: 1 },
      { component: port(), config: 1 },
      ['old'],
    ],
    ['not that of another port', { component: port(), config: 1 }, { component: port(), config: 2 }, []],
    ['one of the same kind that does not say what it holds', { component: make() }, { component: make() }, ['old']],
    ['not one of another kind', { component: make() }, { component: make({ provides: Other }) }, []],
  ])('%s', (_, old, next, expected) => {
    const plan = planOf({ old, user: { component: port(Other), config: 9, on: ['old'] } }, { next })
    expect([...plan.endFirst].filter((name) => name !== 'user')).toEqual(expected)
    // It ends before what it depends on.
    expect(plan.endFirst.has('user')).toBe(plan.endFirst.has('old'))
  })
})

describe('connections', () => {
  const stage = make({ adjust, handover: handover() })
  const server = make({ adjust, handover: handover(), provides: Other })
  const connections = { server: 2, tls: 3 }
  const system = (changes: Readonly<Record<string, Partial<Sketch>>> = {}) => ({
    stage: { component: stage, ...changes['stage'] },
    tls: { component: make({ adjust, exclusive: () => [] }), ...changes['tls'] },
    server: { component: server, on: ['stage', 'tls'], connections, ...changes['server'] },
  })
  const before = system()
  const fixed = { tls: { component: before.tls.component } }

  test.each<[string, Parameters<typeof system>[0] & object, readonly [number, number, number]]>([
    ['nothing changes', {}, [2, 0, 0]],
    ['the server is adjusted to other values', { server: { config: { a: 1 } } }, [2, 0, 0]],
    ['a stage is adjusted', { stage: { config: { a: 1 } } }, [2, 0, 0]],
    ['a stage is swapped', { stage: { component: { ...stage } } }, [0, 2, 0]],
    ['the server is swapped', { server: { component: { ...server } } }, [0, 2, 0]],
    ['a stage restarts', { stage: { component: make() } }, [0, 0, 2]],
  ])('%s', (_, changes, [keptUntouched, repiped, closed]) => {
    const plan = planOf(before, system({ ...fixed, ...changes }))
    expect(plan.connections[0]).toEqual({ listener: 'server', keptUntouched, repiped, closed })
  })

  test('a listener that is removed closes its own alone', () => {
    const { tls: _, ...rest } = system(fixed)
    const plan = planOf(before, { ...rest, server: { ...rest.server, on: ['stage'] } })
    expect(plan.connections).toEqual([
      { listener: 'server', keptUntouched: 0, repiped: 2, closed: 0 },
      { listener: 'tls', keptUntouched: 0, repiped: 0, closed: 3 },
    ])
  })
})
