import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineComponent } from './define-system.ts'
import { formatError } from './format-error.ts'
import { kind } from './kind.ts'
import { applySettings, configure } from './settings.ts'
import type { SystemError } from './system-error.ts'

const Part = kind<object>()('Part')
const part = (config: z.ZodType) => defineComponent({ provides: Part, needs: {}, config, start: () => ({}) })

const server = part(
  z.strictObject({
    port: z.number().int().max(65_535).default(1883),
    host: z.string().default('127.0.0.1'),
    password: z.string().optional(),
    hosts: z.array(z.string()).default([]),
    tls: z.union([z.literal(false), z.strictObject({ cert: z.string(), days: z.number().optional() })]).default(false),
    either: z.union([z.string(), z.number()]).optional(),
    limits: z.record(z.string(), z.number()).optional(),
  }),
)
const config = {
  server: { component: server, config: { host: 'localhost', hosts: ['::1'] } },
  bare: { component: part(z.strictObject({ on: z.boolean().default(false) })) },
}

/** The config of the server after the settings. */
const serverWith = (...settings: string[]): unknown => {
  const applied = applySettings(config, settings)
  expect(applied.problems).toEqual([])
  return (applied.config as typeof config).server.config
}

const problemsOf = (...settings: string[]): string[] =>
  applySettings(config, settings).problems.map(({ path, message }) => `${path.join()} ${message}`)

const failureOf = (...settings: string[]): string => {
  try {
    configure(config, settings)
  } catch (error) {
    expect((error as SystemError).code).toBe('CONFIG_INVALID')
    return formatError(error)
  }
  throw new Error('the settings were accepted')
}

test('a value is read as the schema wants it', () => {
  expect(serverWith('server.port=1884')).toEqual({ host: 'localhost', hosts: ['::1'], port: 1884 })
  expect(serverWith('server.password=1884')).toMatchObject({ password: '1884' })
  expect(serverWith('server.password=true')).toMatchObject({ password: 'true' })
  expect(serverWith('server.host=0.0.0.0')).toMatchObject({ host: '0.0.0.0' })
  expect(serverWith('server.password=a=b=c')).toMatchObject({ password: 'a=b=c' })
  expect(serverWith('server.password=')).toMatchObject({ password: '' })
  expect(serverWith('server.either=5')).toMatchObject({ either: 5 })
  expect(serverWith('server.limits={"a": 1}')).toMatchObject({ limits: { a: 1 } })
  expect(applySettings(config, ['bare.on=true']).config).toMatchObject({ bare: { config: { on: true } } })
})

test('a path reaches into objects and lists, making what is not there', () => {
  expect(serverWith('server.hosts[0]=10')).toMatchObject({ hosts: ['10'] })
  expect(serverWith('server.hosts.1=::2')).toMatchObject({ hosts: ['::1', '::2'] })
  expect(serverWith('server.limits.first=1', 'server.limits.second=2')).toMatchObject({
    limits: { first: 1, second: 2 },
  })
})

test('inside a union of objects too a string is a string', () => {
  expect(serverWith('server.tls={"cert": "a.pem"}', 'server.tls.cert=1884')).toMatchObject({ tls: { cert: '1884' } })
  expect(serverWith('server.tls.cert=1884')).toMatchObject({ tls: { cert: '1884' } })
})

test('a later setting wins', () => {
  expect(serverWith('server.port=1', 'server.port=2')).toMatchObject({ port: 2 })
})

test('the config given is not changed', () => {
  const before = structuredClone(config.server.config)
  serverWith('server.port=1884', 'server.hosts[0]=x')
  expect(config.server.config).toEqual(before)
  expect(config.bare).not.toHaveProperty('config')
})

test('settings that name no value are problems, reported together', () => {
  expect(problemsOf('server.port', 'servr.port=1', 'other.port=1', 'server=1', 'server..port=1', '=1')).toEqual([
    "--set server.port: there is no '=' in it; write it as component.key=value, like server.port=1884",
    "--set servr.port: there is no component 'servr'; did you mean 'server'?",
    "--set other.port: there is no component 'other'; there are 'server' and 'bare'",
    '--set server: it does not name a value of a component; write it as component.key=value, like server.port=1884',
    '--set server..port: it does not name a value of a component; write it as component.key=value, like server.port=1884',
    '--set : it does not name a value of a component; write it as component.key=value, like server.port=1884',
  ])
})

test('a path into what holds nothing is a problem', () => {
  expect(problemsOf('server.host.name=x', 'server.hosts.first=x', 'server.hosts[2]=x')).toEqual([
    "--set server.host.name: 'host' is a string, which holds no 'name'",
    "--set server.hosts.first: 'hosts' is a list of 1; 'first' is no place in it",
    "--set server.hosts[2]: 'hosts' is a list of 1; '2' is no place in it",
  ])
})

test('no setting reaches a prototype', () => {
  expect(problemsOf('server.__proto__.polluted=1')).toEqual([
    "--set server.__proto__.polluted: '__proto__' cannot be set",
  ])
  expect(problemsOf('__proto__.polluted=1')[0]).toContain("there is no component '__proto__'")
  serverWith('server.constructor.prototype.polluted=1')
  expect({}).not.toHaveProperty('polluted')
})

test('problems of values and of settings come together with their places, and values are not repeated', () => {
  const text = failureOf('server.port=secret', 'server.prot=1', 'sever.port=1', 'bare.on=maybe')
  expect(text).toContain('4 problems')
  expect(text).toMatch(/--set\n\s+sever\.port: there is no component 'sever'/)
  expect(text).toMatch(/server\.config\.port\n\s+.*\(set by --set server\.port\)/)
  expect(text).toMatch(/server\.config\.prot\n\s+.*'port'.*\(set by --set server\.prot\)/)
  expect(text).toMatch(/bare\.config\.on\n\s+.*\(set by --set bare\.on\)/)
  expect(text).not.toContain('secret')
})

test('a config that is no system is reported as such', () => {
  expect(applySettings(undefined, ['server.port=1'])).toEqual({ config: undefined, problems: [] })
  expect(() => configure(5, ['server.port=1'])).toThrow(/plain object/)
  // An entry that is broken is left to the check of the config.
  expect(applySettings({ server: { component: null } }, ['server.port=1']).config).toEqual({
    server: { component: null, config: { port: 1 } },
  })
})

test('a setting reaches the values of an entry beside its config', () => {
  const wired = { ...config, bare: { ...config.bare, dependencies: { part: 'server', parts: ['server'] } } }
  const { config: changed, problems } = applySettings(wired, [
    'bare.enabled=false',
    'server.startDeadlineMs=500',
    'server.stopDeadlineMs=1500',
    'bare.dependencies.part=true',
    'bare.dependencies.parts[1]=other',
    'server.config.port=1884',
  ])
  expect(problems).toEqual([])
  expect(changed).toMatchObject({
    bare: { enabled: false, dependencies: { part: 'true', parts: ['server', 'other'] } },
    server: { startDeadlineMs: 500, stopDeadlineMs: 1500, config: { port: 1884, host: 'localhost' } },
  })
  expect(applySettings(wired, ['bare.dependencies.parts=["a","b"]', 'bare.config={"on": true}']).config).toMatchObject({
    bare: { config: { on: true }, dependencies: { part: 'server', parts: ['a', 'b'] } },
  })
})

test('the entry comes before a value of the config with the same name, which its whole path reaches', () => {
  const named = { named: { component: part(z.strictObject({ enabled: z.string().default('') })) } }
  expect(applySettings(named, ['named.enabled=false', 'named.config.enabled=false']).config).toMatchObject({
    named: { enabled: false, config: { enabled: 'false' } },
  })
})

test('wrong values of an entry are problems that name the setting', () => {
  const text = failureOf('bare.enabled=maybe', 'server.startDeadlineMs=0', 'bare.enable=true', 'server.component=x')
  expect(text).toContain('bare.enabled\n  must be true or false; found a string (set by --set bare.enabled)')
  expect(text).toMatch(/server\.startDeadlineMs\n.*found 0 \(set by --set server\.startDeadlineMs\)/)
  expect(text).toMatch(/bare\.config\.enable\n.*did you mean 'bare\.enabled'\? \(set by --set bare\.enable\)/)
  expect(text).toContain('--set\n  server.component: the component of an entry can be changed in the config file alone')
  expect(failureOf('bare.config.enabled=1')).toContain('(set by --set bare.config.enabled)')
})
