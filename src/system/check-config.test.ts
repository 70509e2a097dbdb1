import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { checkConfig, formatPath, formatProblems } from './check-config.ts'
import { defineComponent } from './define-system.ts'
import { kind, many, optional } from './kind.ts'

interface Named {
  readonly name: string
}
const Log = kind<Named>()('Log')
const Store = kind<Named>()('Store')
const Stage = kind<Named>()('Stage')
const Router = kind<Named>()('Router', { unique: true })

const part = (overrides: object = {}) => ({
  ...defineComponent({ provides: Log, needs: {}, config: z.object({}), start: (_c, _d, { name }) => ({ name }) }),
  ...overrides,
})
const log = part()
const store = part({ provides: Store })
const stage = part({ provides: Stage })
const router = part({ provides: Router })
const server = part({
  provides: kind<Named>()('Server'),
  needs: { store: Store, log: optional(Log), pipeline: many(Stage) },
  config: z.object({ host: z.string().default('127.0.0.1'), port: z.number().max(65_535).default(1883) }),
})
const sound = {
  server: { component: server, dependencies: { store: 'store', log: 'log', pipeline: ['decoder', 'handler'] } },
  store: { component: store },
  log: { component: log },
  decoder: { component: stage },
  handler: { component: stage },
}

/** Each problem as `path: message`. */
const problemsOf = (config: unknown) =>
  checkConfig(config).problems.map(({ path, message }) => `${formatPath(path)}: ${message}`)
/** The problems of the sound system with another wiring of the server. */
const wired = (dependencies: unknown, others: object = {}) =>
  problemsOf({ ...sound, ...others, server: { component: server, dependencies } })
/** The problems of a component with the schema and the config. */
const configured = (schema: z.ZodType, config: unknown) =>
  problemsOf({ a: { component: part({ config: schema }), config } })

it('the check of a config finds nothing in a sound system and returns the parsed configs', () => {
  const { problems, configs } = checkConfig(sound)
  expect(problems).toEqual([])
  expect(configs).toMatchObject({ server: { host: '127.0.0.1', port: 1883 }, log: {} })
})

it('reports everything together, in the order of the config', () => {
  const config = {
    server: { component: server, config: { port: '1' }, dependencies: { store: 'log', log: 'lgo', pipeline: [] } },
    store: { component: store, startDeadlineMs: 0 },
    log: { component: log, enabled: 'no' },
  }
  const { problems, configs } = checkConfig(config)
  expect(problems.map(({ path }) => formatPath(path))).toEqual([
    'server.config.port',
    'server.dependencies.store',
    'server.dependencies.log',
    'store.startDeadlineMs',
    'log.enabled',
  ])
  expect(Object.keys(configs)).toEqual(['store', 'log'])
})

describe('an entry', () => {
  it.each([
    [undefined, 'nothing'],
    [null, 'null'],
    [[], 'a list'],
    ['x', 'a string'],
    [new Map(), 'an object'],
    [Object.create({ server: {} }), 'an object'],
  ])('of a system or a system itself that is %s is refused', (value, found) => {
    expect(problemsOf(value)).toEqual([`: a system config is a plain object of components by name; found ${found}`])
    expect(problemsOf({ a: value })).toEqual([`a: an entry is an object like { component: ... }; found ${found}`])
  })

  it('with an unknown key gets a suggestion, or the list of keys', () => {
    expect(problemsOf({ log: { component: log, confg: {} } })).toEqual([
      "log.confg: an entry has no 'confg'; did you mean 'config'?",
    ])
    expect(problemsOf({ log: { component: log, colour: 1 } })[0]).toContain("it may have 'component', 'config'")
  })

  it('must have a component', () => {
    const wrong = (component: unknown) => problemsOf({ a: { component } })[0]
    expect(wrong(undefined)).toBe('a.component: not a component (defineComponent makes one): found nothing')
    expect(wrong(() => undefined)).toContain('found a function')
    expect(wrong({})).toContain("its 'provides' is nothing, not a kind; its 'needs' is nothing")
    expect(wrong(part({ start: 1 }))).toContain("its 'start' is a number, not a function")
    expect(wrong(part({ stop: 'x' }))).toContain("its 'stop' is a string, not a function")
    expect(wrong(part({ config: {} }))).toContain("its 'config' is an object, not a zod schema")
    expect(wrong(part({ needs: { a: 'Log' } }))).toContain("its need 'a' is a string, not a kind")
    expect(wrong(part({ needs: { a: { mode: 'many' } } }))).toContain("its need 'a' is an object, not a kind")
  })

  it.each(['startDeadlineMs', 'stopDeadlineMs'])('has a %s from 1 ms to an hour', (key) => {
    for (const value of [1, 3_600_000]) expect(problemsOf({ log: { component: log, [key]: value } })).toEqual([])
    for (const value of [0, -1, 3_600_001, Number.NaN, Number.POSITIVE_INFINITY, '10', null]) {
      expect(problemsOf({ log: { component: log, [key]: value } })[0]).toContain(
        `log.${key}: must be a number of milliseconds from 1 to 3600000; found`,
      )
    }
  })

  it('is enabled or not, and nothing in between', () => {
    expect(problemsOf({ log: { component: log, enabled: 0 } })).toEqual([
      'log.enabled: must be true or false; found a number',
    ])
  })

  it.each(['__proto__', 'constructor', 'toString', 'then', 'toJSON', 'hasOwnProperty'])(
    'cannot be named %s',
    (name) => {
      expect(problemsOf(Object.fromEntries([[name, { component: log }]]))).toEqual([
        expect.stringContaining(`'${name}' cannot be a component's name: JavaScript itself looks for it`),
      ])
    },
  )

  it.each(['', '1', 'a.b', 'a b', 'a=b', '-a', 'a[0]'])('cannot be named "%s"', (name) => {
    expect(problemsOf({ [name]: { component: log } })[0]).toContain('must be a letter followed by letters, digits')
  })

  it.each(['a', 'mqtt-decoder', 'store_2', 'Überwachung'])('can be named %s', (name) => {
    expect(problemsOf({ [name]: { component: log } })).toEqual([])
  })
})

describe('the config of a component', () => {
  it('is read by its schema, each issue with its place', () => {
    const schema = z.object({ tls: z.object({ port: z.number() }), names: z.array(z.string()) })
    expect(configured(schema, { tls: { port: 'x' }, names: ['a', 1] })).toEqual([
      'a.config.tls.port: Invalid input: expected number, received string',
      'a.config.names[1]: Invalid input: expected string, received number',
    ])
  })

  it('that is left out is read as an empty one', () => {
    expect(configured(z.object({ port: z.number().default(1) }), undefined)).toEqual([])
    expect(configured(z.object({ port: z.number() }), undefined)[0]).toContain('a.config.port: Invalid input')
    expect(configured(z.object({}), null)).toEqual(['a.config: Invalid input: expected object, received null'])
  })

  it('may have no unknown key, also where the schema would strip it', () => {
    for (const object of [z.object, z.strictObject]) {
      const inner = object({ backlog: z.number().optional() }).default({})
      const schema = object({
        port: z.number().optional(),
        socket: inner,
        list: z.array(object({ key: z.string() })).optional(),
      })
      expect(configured(schema, { prot: 1, socket: { baklog: 2 }, list: [{ key: 'a', kye: 'b' }] })).toEqual([
        "a.config.prot: there is no 'prot' here; did you mean 'port'?",
        "a.config.socket.baklog: there is no 'baklog' here; did you mean 'backlog'?",
        "a.config.list[0].kye: there is no 'kye' here; did you mean 'key'?",
      ])
      expect(configured(schema, { verbose: true })).toEqual([
        "a.config.verbose: there is no 'verbose' here; known are 'port', 'socket' and 'list'",
      ])
    }
    expect(configured(z.object({}), { x: 1 })).toEqual(["a.config.x: there is no 'x' here; nothing can be set"])
  })

  it('of a value at the wrong component names the component that has it', () => {
    const part = (provides: string, key: string) => ({
      component: defineComponent({
        provides: kind<object>()(provides),
        needs: {},
        config: z.strictObject({ [key]: z.number().optional() }),
        start: () => ({}),
      }),
    })
    const { problems } = checkConfig({ a: { ...part('A', 'port'), config: { size: 1 } }, b: part('B', 'size') })
    expect(formatProblems(problems)).toContain("there is no 'size' here; it is a value of 'b'")
  })

  it('may have any key where the schema says so', () => {
    expect(configured(z.looseObject({}), { x: 1 })).toEqual([])
    expect(configured(z.object({}).catchall(z.number()), { x: 1 })).toEqual([])
    expect(configured(z.record(z.string(), z.number()), { x: 1 })).toEqual([])
  })

  it('finds unknown keys behind refinements, transforms and unions', () => {
    const object = z.object({ port: z.number().optional() })
    const suggestion = ["a.config.prot: there is no 'prot' here; did you mean 'port'?"]
    expect(
      configured(
        object.refine(() => true),
        { prot: 1 },
      ),
    ).toEqual(suggestion)
    expect(
      configured(
        object.transform((value) => value.port),
        { prot: 1 },
      ),
    ).toEqual(suggestion)
    expect(configured(object.readonly().optional(), { prot: 1 })).toEqual(suggestion)
    const union = z.object({ at: z.union([z.strictObject({ port: z.number() }), z.string()]) })
    expect(configured(union, { at: { prot: 1 } })).toEqual([
      expect.stringContaining('a.config.at: Invalid input: port: Invalid input: expected number, received undefined'),
    ])
  })

  it('may contain itself', () => {
    interface Tree {
      child?: Tree | undefined
    }
    const tree: z.ZodType<Tree> = z.object({
      get child() {
        return tree.optional()
      },
    })
    const loop: Tree = {}
    loop.child = loop
    expect(configured(tree, loop)).toEqual([])
  })

  it('is a problem and no crash when its schema throws or is asynchronous', () => {
    const throwing = z.object({}).refine(() => {
      throw new Error('no')
    })
    expect(configured(throwing, {})).toEqual(['a.config: its schema threw: no'])
    const asynchronous = z.object({}).refine(() => Promise.resolve(true))
    expect(configured(asynchronous, {})).toEqual([
      'a.config: its schema is asynchronous; a config is checked synchronously',
    ])
  })

  it('is never shown: it may be secret', () => {
    const schema = z.object({ password: z.number(), choice: z.enum(['a']), key: z.string().regex(/^x$/) })
    const text = formatProblems(
      checkConfig({
        a: { component: part({ config: schema }), config: { password: 'pa55', choice: 'pa55', key: 'pa55' } },
      }).problems,
    )
    expect(text).toContain('a.config.password')
    expect(text).not.toContain('pa55')
  })
})

describe('a dependency', () => {
  it('that is missing is named with what would do', () => {
    expect(wired({})).toEqual([
      "server.dependencies.store: missing: server needs Store; 'store' would do",
      "server.dependencies.pipeline: missing: server needs a list of Stage (it may be empty); 'decoder' or 'handler' would do",
    ])
    expect(problemsOf({ server: { component: server, dependencies: { pipeline: [] } } })).toEqual([
      'server.dependencies.store: missing: server needs Store; no component in this system provides Store',
    ])
  })

  it('that does not exist gets a suggestion', () => {
    expect(wired({ store: 'stroe', pipeline: ['decoder', 'hanlder', 'x'] })).toEqual([
      "server.dependencies.store: there is no component 'stroe'; did you mean 'store'? 'store' would do",
      "server.dependencies.pipeline[1]: there is no component 'hanlder'; did you mean 'handler'? 'decoder' or 'handler' would do",
      "server.dependencies.pipeline[2]: there is no component 'x'; 'decoder' or 'handler' would do",
    ])
    for (const name of ['toString', '__proto__', 'constructor']) {
      expect(wired({ store: name, pipeline: [] })[0]).toContain(`there is no component '${name}'`)
    }
  })

  it('of the wrong kind is reported with the kind that is needed', () => {
    expect(wired({ store: 'log', pipeline: ['store'] })).toEqual([
      "server.dependencies.store: 'log' provides Log, but Store is needed; 'store' would do",
      "server.dependencies.pipeline[0]: 'store' provides Store, but Stage is needed; 'decoder' or 'handler' would do",
    ])
  })

  it('that the component does not need is reported with its needs', () => {
    expect(wired({ store: 'store', pipeline: [], stor: 'store', metrics: 'x' })).toEqual([
      "server.dependencies.stor: server has no need 'stor'; did you mean 'store'?",
      "server.dependencies.metrics: server has no need 'metrics'; it needs 'store', 'log' and 'pipeline'",
    ])
    expect(problemsOf({ log: { component: log, dependencies: { store: 'x' } } })).toEqual([
      "log.dependencies.store: log has no need 'store'; it needs nothing",
    ])
  })

  it('is a name where one is needed and a list where many are', () => {
    expect(wired({ store: ['store'], pipeline: 'decoder' })).toEqual([
      "server.dependencies.store: one name is needed, not a list; 'store' would do",
      "server.dependencies.pipeline: a list of names is needed; write ['decoder']",
    ])
    expect(wired({ store: 1, log: null, pipeline: [null] })).toEqual([
      "server.dependencies.store: must be a component's name; found a number; 'store' would do",
      "server.dependencies.log: must be a component's name; found null; 'log' would do",
      "server.dependencies.pipeline[0]: must be a component's name; found null; 'decoder' or 'handler' would do",
    ])
    expect(wired(null)[0]).toContain('found null')
    expect(wired('store')[0]).toBe('server.dependencies: must be an object of component names by need; found a string')
  })

  it('stands once in a list', () => {
    expect(wired({ store: 'store', pipeline: ['decoder', 'handler', 'decoder'] })).toEqual([
      "server.dependencies.pipeline[2]: 'decoder' stands in this list already, at [0]",
    ])
  })

  it('may be disabled where it is optional or one of many, and nowhere else', () => {
    const off = { log: { component: log, enabled: false }, decoder: { component: stage, enabled: false } }
    expect(wired(sound.server.dependencies, off)).toEqual([])
    const disabled = { ...sound, store: { component: store, enabled: false } }
    expect(problemsOf(disabled)).toEqual([
      "server.dependencies.store: 'store' is disabled, and server cannot do without; 'store' would do once enabled",
    ])
    expect(problemsOf({ ...disabled, server: { ...sound.server, enabled: false } })).toEqual([])
  })

  it('on a component that is itself broken is not reported as well', () => {
    expect(problemsOf({ ...sound, store: { component: 1 } })).toEqual([expect.stringContaining('store.component')])
  })

  it('of a disabled component is checked too, so that enabling it is safe', () => {
    const config = {
      ...sound,
      extra: { component: server, enabled: false, config: { port: '' }, dependencies: { store: 'x' } },
    }
    expect(problemsOf(config)).toHaveLength(3)
  })
})

describe('a system', () => {
  it('has at most one enabled provider of a unique kind', () => {
    const routers = {
      one: { component: router },
      two: { component: router },
      off: { component: router, enabled: false },
    }
    expect(problemsOf(routers)).toEqual([
      "two.component: duplicate provider of Router: 'one' provides it already, and a system has at most one; disable either",
    ])
    expect(problemsOf({ ...routers, two: { component: router, enabled: false } })).toEqual([])
  })

  const link = part({ provides: Stage, needs: { next: optional(Stage), also: many(Stage) } })
  const to = (next: string, ...also: string[]) => ({ component: link, dependencies: { next, also } })

  it('has no cycle; each is spelled out once', () => {
    expect(problemsOf({ a: to('b', 'b'), b: to('c'), c: to('a', 'b', 'a'), d: to('d'), e: to('a') })).toEqual([
      'a.dependencies.next: a cycle of dependencies, none of which can start first: a → b → c → a',
      'b.dependencies.next: a cycle of dependencies, none of which can start first: b → c → b',
      'd.dependencies.next: a cycle of dependencies, none of which can start first: d → d',
    ])
  })

  it('may have a cycle through a component that is disabled', () => {
    expect(problemsOf({ a: to('b'), b: { ...to('a'), enabled: false } })).toEqual([])
  })

  it('shows the two ends of a long cycle', () => {
    const ring = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`c${i}`, to(`c${(i + 1) % 5_000}`)]))
    const [problem, ...others] = problemsOf(ring)
    expect(others).toEqual([])
    expect(problem).toMatch(/: c0 → c1 → c2 → c3 → c4 → c5 → \(4989 more\) → c4995 → .* → c4999 → c0$/)
  })

  it('that throws when it is read is a problem and no crash', () => {
    const config = {
      get a() {
        throw new Error('no')
      },
    }
    expect(problemsOf(config)).toEqual([': the config cannot be read: no'])
  })
})

describe('formatting', () => {
  it('writes paths as in code', () => {
    expect(formatPath(['mqtt-decoder', 'config', 'list', 0, 'port'])).toBe('mqtt-decoder.config.list[0].port')
    expect(formatPath(['', 'a b'])).toBe('[""]["a b"]')
    expect(formatPath([])).toBe('')
  })

  it('gives each problem a paragraph', () => {
    const problems = [
      { path: ['a', 'config'], message: 'bad' },
      { path: [], message: 'worse' },
    ]
    expect(formatProblems(problems)).toBe('a.config\n  bad\n\nthe system config\n  worse')
  })
})
