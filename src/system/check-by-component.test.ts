import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { checkConfig, formatPath } from './check-config.ts'
import { type Component, defineComponent } from './define-system.ts'
import { all, type Kind, kind, many, optional } from './kind.ts'

interface Stage {
  readonly role: string
}
const Stage = kind<Stage>()('Stage')
const Handler = kind<Stage>()('Stage', { variant: 'handler' })
const Log = kind<{ info: string }>()('Log')

const stage = (provides: Kind<'Stage', Stage>) =>
  defineComponent({ provides, needs: {}, config: z.object({}), start: () => ({ role: '' }) })
const log = defineComponent({ provides: Log, needs: {}, config: z.object({}), start: () => ({ info: '' }) })
const needs = { log: optional(Log), first: Stage, stages: many(Stage) }
const schema = z.object({ size: z.number().default(3) })
type Checking = Component<typeof Log, typeof needs, typeof schema>

/** A system whose `server` checks itself so. */
const systemWith = (check: Checking['check'], more: object = {}) => ({
  server: {
    component: {
      ...defineComponent({ provides: Log, needs, config: schema, start: () => ({ info: '' }) }),
      check,
    },
    dependencies: { first: 'plain', stages: ['off', 'handler', 'plain'] },
    ...more,
  },
  plain: { component: stage(Stage) },
  handler: { component: stage(Handler) },
  off: { component: stage(Handler), enabled: false },
  log: { component: log },
})
const problemsOf = (config: unknown) =>
  checkConfig(config).problems.map(({ path, message }) => `${formatPath(path)}: ${message}`)
const uncalled = (): never => expect.unreachable()

describe('the check of a component', () => {
  it('finds the enabled providers of a kind of which it needs all, in the order of the config', () => {
    const found: unknown[] = []
    const component = defineComponent({
      provides: Stage,
      needs: { stages: all(Stage) },
      config: z.object({}),
      check: (_config, { stages }) => {
        found.push(...stages.map(({ name, provides }) => [name, provides.variant]))
        return []
      },
      start: () => ({ role: '' }),
    })
    const { server: _, ...others } = systemWith(undefined)
    expect(problemsOf({ every: { component }, ...others })).toEqual([])
    expect(found).toEqual([
      ['plain', undefined],
      ['handler', 'handler'],
    ])
    // What an entry provides that cannot be read is not known.
    expect(problemsOf({ every: { component }, broken: 5 })).toHaveLength(1)
    expect(found).toHaveLength(2)
  })

  it('gets its config with the defaults, and what each need is wired to, disabled components passed over', () => {
    const seen: unknown[] = []
    const config = systemWith((...found) => {
      seen.push(...found)
      return []
    })
    expect(problemsOf(config)).toEqual([])
    const plain = { name: 'plain', provides: { name: 'Stage', unique: false, variant: undefined, stateless: false } }
    const handler = {
      name: 'handler',
      provides: { name: 'Stage', unique: false, variant: 'handler', stateless: false },
    }
    expect(seen).toEqual([{ size: 3 }, { log: undefined, first: plain, stages: [handler, plain] }])
  })

  it('reports problems with their places in the entry', () => {
    const config = systemWith(() => [
      { path: ['dependencies', 'stages', 1], message: 'not this one' },
      { path: [], message: 'odd' },
    ])
    expect(problemsOf(config)).toEqual(['server.dependencies.stages[1]: not this one', 'server: odd'])
  })

  it.each([
    ['a disabled entry', { enabled: false }],
    ['a config that is not valid', { config: { size: '' } }],
    ['a wiring that is wrong', { dependencies: { first: 'plain', stages: ['log'] } }],
  ])('is not asked about %s', (_, more) => {
    expect(problemsOf(systemWith(uncalled, more))).toHaveLength('enabled' in more ? 0 : 1)
  })

  it('is not asked when what it is wired to cannot be read', () => {
    expect(problemsOf({ ...systemWith(uncalled), handler: { component: 1 } })).toEqual([
      expect.stringContaining('handler.component'),
    ])
  })

  it.each([
    ['throws', uncalled, 'threw: '],
    ['returns nothing', () => undefined, 'returned nothing, not a list of problems'],
    ['is asynchronous', async () => [], 'returned an object, not a list of problems'],
    ['returns no problems', () => ['wrong'], 'returned a list, not a list of problems'],
  ])('that %s is a problem and no crash', (_, check, message) => {
    expect(problemsOf(systemWith(check as unknown as Checking['check']))).toEqual([
      expect.stringContaining(`server.component: its check ${message}`),
    ])
  })

  it('is a function', () => {
    expect(problemsOf(systemWith('no' as unknown as Checking['check']))).toEqual([
      "server.component: not a component (defineComponent makes one): its 'check' is a string, not a function",
    ])
  })
})
