import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { checkConfig, formatPath } from './check-config.ts'
import { defineComponent } from './define-system.ts'
import { all, exclusive, kind, optional } from './kind.ts'

const Store = kind<{ put: string }>()('Store')
const Only = kind<{ only: true }>()('Only', { unique: true })
const Stage = kind<{ role: string }>()('Stage')

const store = defineComponent({ provides: Store, needs: {}, config: z.object({}), start: () => ({ put: '' }) })
const only = defineComponent({
  provides: Only,
  needs: {},
  config: z.object({}),
  start: () => ({ only: true as const }),
})
const stage = (needs: object) =>
  defineComponent({ provides: Stage, needs: { ...needs }, config: z.object({}), start: () => ({ role: '' }) })
const owner = stage({ store: exclusive(Store) })
const owns = (name: string) => ({ component: owner, dependencies: { store: name } })

const problemsOf = (config: unknown) =>
  checkConfig(config).problems.map(({ path, message }) => `${formatPath(path)}: ${message}`)

describe('what is needed exclusively', () => {
  it('has one owner: the problem names the provider, the owner and its need, and a valid alternative', () => {
    const config = { store: { component: store }, first: owns('store'), second: owns('store'), third: owns('store') }
    const said = "'store' belongs to 'first' already (first.dependencies.store), and both need it exclusively; "
    expect(problemsOf(config)).toEqual([
      `second.dependencies.store: ${said}give each its own, or disable either`,
      `third.dependencies.store: ${said}give each its own, or disable either`,
    ])
    expect(
      problemsOf({ ...config, spare: { component: store }, taken: { component: store }, x: owns('taken') }),
    ).toEqual([
      `second.dependencies.store: ${said}'spare' would do`,
      `third.dependencies.store: ${said}'spare' would do`,
    ])
  })

  it('cannot be given to each where the kind is unique', () => {
    const component = stage({ mine: exclusive(Only) })
    const entry = { component, dependencies: { mine: 'only' } }
    expect(problemsOf({ only: { component: only }, a: entry, b: entry })).toEqual([
      "b.dependencies.mine: 'only' belongs to 'a' already (a.dependencies.mine), and both need it exclusively; a system has at most one Only, so disable either component",
    ])
  })

  it('is owned by no disabled component', () => {
    const off = { ...owns('store'), enabled: false }
    expect(problemsOf({ store: { component: store }, first: off, second: owns('store'), third: off })).toEqual([])
  })

  it('may be shared by components that own nothing', () => {
    const sharing = { component: stage({ store: Store, other: optional(Store) }), dependencies: { store: 'store' } }
    expect(problemsOf({ store: { component: store }, first: owns('store'), a: sharing, b: sharing })).toEqual([])
  })

  it('is one owner to a component that needs it twice', () => {
    const component = stage({ one: exclusive(Store), two: exclusive(Store) })
    const dependencies = { one: 'store', two: 'store' }
    expect(problemsOf({ store: { component: store }, a: { component, dependencies } })).toEqual([
      expect.stringContaining("a.dependencies.two: 'store' belongs to 'a' already (a.dependencies.one)"),
    ])
  })

  it('is otherwise checked as any need of one component', () => {
    const config = { store: { component: store, enabled: false }, only: { component: only } }
    expect(problemsOf({ ...config, first: { component: owner } })).toEqual([
      "first.dependencies.store: missing: first needs Store; 'store' would do once enabled",
    ])
    expect(problemsOf({ ...config, first: owns('store') })).toEqual([
      "first.dependencies.store: 'store' is disabled, and first cannot do without; 'store' would do once enabled",
    ])
    expect(problemsOf({ ...config, first: owns('only'), second: owns('only') })).toEqual([
      "first.dependencies.store: 'only' provides Only, but Store is needed; 'store' would do once enabled",
      "second.dependencies.store: 'only' provides Only, but Store is needed; 'store' would do once enabled",
    ])
  })
})

describe('what is needed of all components of a kind', () => {
  const everyStage = stage({ stages: all(Stage) })

  it('is not wired', () => {
    expect(problemsOf({ a: { component: stage({}) }, every: { component: everyStage } })).toEqual([])
    const wired = { component: everyStage, dependencies: { stages: ['a'] } }
    expect(problemsOf({ a: { component: stage({}) }, every: wired })).toEqual([
      'every.dependencies.stages: leave this out: every gets every enabled component that provides Stage',
    ])
  })

  it('closes a cycle if one of them depends on the component that needs all', () => {
    const config = {
      every: { component: everyStage },
      a: { component: stage({ on: Stage }), dependencies: { on: 'every' } },
    }
    expect(problemsOf(config)).toEqual([
      'every.component.needs.stages: a cycle of dependencies, none of which can start first: every → a → every',
    ])
    expect(problemsOf({ ...config, a: { ...config.a, enabled: false } })).toEqual([])
  })

  it('closes a cycle where two components need all of the kind that both provide', () => {
    expect(problemsOf({ a: { component: everyStage }, b: { component: everyStage } })).toEqual([
      'a.component.needs.stages: a cycle of dependencies, none of which can start first: a → b → a',
    ])
  })
})
