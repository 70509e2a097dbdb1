import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { broker } from '../../scripts/graph/fixtures/broker.config.ts'
import { defineComponent } from './define-system.ts'
import { systemGraph } from './graph-model.ts'
import { all, exclusive, kind, many, optional } from './kind.ts'
import type { ComponentStatus } from './lifecycle.ts'

/** The edges as `server -pipeline[0]-> decoder`, with what is wrong behind it. */
const arrows = (config: unknown): string[] =>
  systemGraph(config).edges.map(({ from, role, index, to, active, problem }) => {
    const place = index === undefined ? role : `${role}[${index}]`
    return `${from} -${place}-> ${to}${active ? '' : ' (off)'}${problem === undefined ? '' : `: ${problem}`}`
  })
const nodeNamed = (config: unknown, name: string, status?: readonly ComponentStatus[]) =>
  systemGraph(config, status).nodes.find((node) => node.name === name)

const wired = (needed: Record<string, 'one' | 'optional' | 'many' | 'all'>) => {
  const Part = kind<{ part: true }>()('Part')
  return defineComponent({
    provides: Part,
    needs: Object.fromEntries(
      Object.entries(needed).map(([name, mode]) => [
        name,
        { one: Part, optional: optional(Part), many: many(Part), all: all(Part) }[mode],
      ]),
    ),
    config: z.strictObject({}),
    start: () => ({ part: true as const }),
  })
}

describe('the edges of a system graph', () => {
  it('run from a component to its dependencies, in the order of its needs and lists', () => {
    expect(arrows(broker)).toEqual([
      'packetLog -logger-> logger (off)',
      'mqttHandler -router-> router',
      'mqttHandler -logger-> logger',
      'server -pipeline[0]-> mqttDecoder',
      'server -pipeline[1]-> packetLog (off)',
      'server -pipeline[2]-> mqttHandler',
      'server -pipeline[3]-> mqttEncoder',
      'server -logger-> logger',
    ])
  })

  it('run to every enabled component of a kind where all are needed', () => {
    const leaf = { component: wired({}) }
    const every = { component: wired({ parts: 'all' }) }
    expect(arrows({ b: leaf, every, off: { ...leaf, enabled: false }, a: leaf })).toEqual([
      'every -parts[0]-> b',
      'every -parts[1]-> a',
    ])
    expect(arrows({ b: leaf, every: { ...every, dependencies: { parts: ['b'] } } })).toEqual([
      'every -parts[0]-> b: is not wired',
    ])
  })

  it('follow the order in which needs are stated, not that of the config', () => {
    const component = wired({ first: 'one', second: 'one' })
    const leaf = { component: wired({}) }
    expect(arrows({ leaf, user: { component, dependencies: { second: 'leaf', first: 'leaf' } } })).toEqual([
      'user -first-> leaf',
      'user -second-> leaf',
    ])
  })

  it('leave out optional needs that are not wired', () => {
    expect(arrows({ user: { component: wired({ maybe: 'optional' }) } })).toEqual([])
  })

  it('lead to a node for a component that does not exist', () => {
    const config = { user: { component: wired({ other: 'one' }), dependencies: { other: 'nobody' } } }
    expect(arrows(config)).toEqual(['user -other-> nobody (off): no such component'])
    expect(nodeNamed(config, 'nobody')).toMatchObject({ defined: false, kind: undefined })
  })

  it('say which kind is needed where they lead to another', () => {
    const { logger, router, mqttHandler } = broker
    const config = {
      logger,
      router,
      mqttHandler: { ...mqttHandler, dependencies: { router: 'logger', logger: 'logger' } },
    }
    expect(arrows(config)).toContain('mqttHandler -router-> logger: needs Router, not Logger')
  })

  it.each([
    ['one', ['leaf'], 'user -role[0]-> leaf: takes one, not a list'],
    ['many', 'leaf', 'user -role-> leaf: takes a list'],
  ] as const)('say that a need takes %s', (mode, role, arrow) => {
    const component = wired({ role: mode })
    expect(arrows({ leaf: { component: wired({}) }, user: { component, dependencies: { role } } })).toEqual([arrow])
  })

  it('say when a list has a component twice', () => {
    const user = { component: wired({ list: 'many' }), dependencies: { list: ['leaf', 'leaf'] } }
    expect(arrows({ leaf: { component: wired({}) }, user })).toEqual([
      'user -list[0]-> leaf',
      'user -list[1]-> leaf: listed twice',
    ])
  })

  it('say when there is no need of that name', () => {
    const user = { component: wired({}), dependencies: { rotuer: 'leaf' } }
    expect(arrows({ leaf: { component: wired({}) }, user })).toEqual(['user -rotuer-> leaf: no such need'])
  })

  it('allow a disabled component in lists and optional needs alone', () => {
    const component = wired({ one: 'one', maybe: 'optional', list: 'many' })
    const dependencies = { one: 'leaf', maybe: 'leaf', list: ['leaf'] }
    const leaf = { component: wired({}), enabled: false }
    expect(arrows({ leaf, user: { component, dependencies } })).toEqual([
      'user -one-> leaf (off): needed, but disabled',
      'user -maybe-> leaf (off)',
      'user -list[0]-> leaf (off)',
    ])
  })

  it('name the owner of a component that is needed exclusively', () => {
    const Part = kind<{ part: true }>()('Part')
    const component = { ...wired({}), needs: { mine: exclusive(Part) } }
    const user = { component, dependencies: { mine: 'leaf' } }
    const config = { leaf: { component: wired({}) }, off: { ...user, enabled: false }, a: user, b: user }
    expect(arrows(config)).toEqual(['off -mine-> leaf (off)', 'a -mine-> leaf', 'b -mine-> leaf: owned by a'])
  })

  it('are marked when they close a cycle, and only then', () => {
    const component = wired({ next: 'one' })
    const to = (next: string) => ({ component, dependencies: { next } })
    expect(arrows({ outside: to('a'), a: to('b'), b: to('c'), c: to('a'), self: to('self') })).toEqual([
      'outside -next-> a',
      'a -next-> b: cycle',
      'b -next-> c: cycle',
      'c -next-> a: cycle',
      'self -next-> self: cycle',
    ])
  })

  it('close no cycle through a disabled component', () => {
    const a = { component: wired({ list: 'many' }), dependencies: { list: ['b'] } }
    const b = { component: wired({ next: 'one' }), dependencies: { next: 'a' }, enabled: false }
    expect(arrows({ a, b })).toEqual(['a -list[0]-> b (off)', 'b -next-> a (off)'])
  })
})

describe('the nodes of a system graph', () => {
  it('have the kind, the description of the config with its defaults, and whether they are enabled', () => {
    expect(nodeNamed(broker, 'server')).toMatchObject({
      kind: 'Listener',
      description: '127.0.0.1:1883',
      enabled: true,
      state: undefined,
      problems: [],
    })
    expect(nodeNamed(broker, 'packetLog')).toMatchObject({ enabled: false })
  })

  it('have their place in the list that names them, and what sort of their kind they are', () => {
    const placed = systemGraph(broker).nodes.map(({ name, place, variant }) => [name, place, variant])
    expect(placed).toEqual([
      ['logger', undefined, undefined],
      ['router', undefined, undefined],
      ['mqttDecoder', 1, 'decoder'],
      ['packetLog', 2, 'filter'],
      ['mqttHandler', 3, 'handler'],
      ['mqttEncoder', 4, 'encoder'],
      ['server', undefined, undefined],
    ])
  })

  it('have no place where two lists differ, in a list of one, and where all of a kind are needed', () => {
    const leaf = { component: wired({}) }
    const list = (...names: string[]) => ({ component: wired({ list: 'many' }), dependencies: { list: names } })
    const config = { a: leaf, b: leaf, c: leaf, first: list('a', 'b'), second: list('b', 'c'), third: list('a') }
    const every = { component: wired({ parts: 'all' }) }
    const places = systemGraph({ ...config, every }).nodes.map(({ name, place }) => `${name} ${place}`)
    expect(places.slice(0, 4)).toEqual(['a 1', 'b undefined', 'c 2', 'first undefined'])
  })

  it('carry the problems of their config instead of a description', () => {
    const node = nodeNamed({ ...broker, server: { ...broker.server, config: { port: 99_999 } } }, 'server')
    expect(node?.description).toBeUndefined()
    expect(node?.problems).toEqual([{ path: ['server', 'config', 'port'], message: expect.stringContaining('65535') }])
  })

  it('carry a failure to describe', () => {
    const component = {
      ...wired({}),
      describe: () => {
        throw new Error('no words')
      },
    }
    expect(nodeNamed({ part: { component } }, 'part')?.problems).toEqual([
      { path: ['part', 'component', 'describe'], message: 'describe failed: no words' },
    ])
  })

  it('take their state from the status', () => {
    const status = (more: Partial<ComponentStatus>): ComponentStatus => ({
      name: 'router',
      kind: 'Router',
      state: 'running',
      description: undefined,
      startMs: undefined,
      resumed: false,
      blockedBy: [],
      unready: undefined,
      error: undefined,
      ...more,
    })
    expect(nodeNamed(broker, 'router', [status({ startMs: 3 })])).toMatchObject({ state: 'running', startMs: 3 })
    expect(nodeNamed(broker, 'router', [status({ state: 'failed', error: new Error('no port') })])).toMatchObject({
      state: 'failed',
      error: 'no port',
    })
    expect(nodeNamed(broker, 'router', [status({ state: 'blocked', blockedBy: ['logger'] })])).toMatchObject({
      blockedBy: ['logger'],
    })
  })
})

describe('a system graph', () => {
  it('is plain data', () => {
    const graph = systemGraph(broker)
    expect(JSON.parse(JSON.stringify(graph))).toEqual(graph)
  })

  it.each([
    ['nothing', undefined],
    ['a number', 5],
    ['a list', [1]],
    ['no objects', { a: 1, b: null, c: 'x' }],
    ['no components', { a: {}, b: { component: 5 }, c: { component: { provides: { name: 'X' }, needs: { y: 1 } } } }],
    [
      'odd dependencies',
      { a: { component: wired({ x: 'one' }), dependencies: { x: 5, y: [null, {}], z: undefined } } },
    ],
    [
      'names of Object',
      JSON.parse('{ "__proto__": {}, "constructor": { "dependencies": { "toString": "valueOf" } } }'),
    ],
  ])('is made of %s', (_name, config) => {
    const { nodes, problems } = systemGraph(config)
    expect([...problems, ...nodes.flatMap((node) => node.problems)]).not.toEqual([])
  })

  it('has no problems where the check has none', () => {
    const graph = systemGraph(broker)
    expect(graph.problems).toEqual([])
    expect(graph.nodes.flatMap((node) => node.problems)).toEqual([])
  })
})
