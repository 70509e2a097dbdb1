import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import shipped from '../system.config.ts'
import { importByNode, readConfigFile } from './config-file.ts'
import type { AnySystemConfig } from './system/define-system.ts'
import { formatError } from './system/format-error.ts'
import { configure } from './system/settings.ts'

// Below the root, so that what is imported finds the packages.
const parent = resolve(import.meta.dirname, '../node_modules/.tmp')
let directory: string
beforeAll(() => {
  mkdirSync(parent, { recursive: true })
  directory = mkdtempSync(join(parent, 'config-file-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

const file = (name: string, text: string): string => {
  writeFileSync(join(directory, name), text)
  return join(directory, name)
}

const read = (name: string, content: unknown): Promise<unknown> =>
  readConfigFile(file(name, typeof content === 'string' ? content : JSON.stringify(content)), importByNode)

const failure = async (name: string, content: unknown): Promise<string> => {
  const error = await read(name, content).then(
    () => undefined,
    (error: unknown) => error,
  )
  if (error === undefined) throw new Error('the config was read')
  return formatError(error)
}

const component = (kind: string): string =>
  `{ provides: { name: '${kind}' }, needs: {}, config: { safeParse: (data) => ({ success: true, data }) }, start: () => ({}) }`

test.each(['a.mjs', 'a.js'])('%s: the default export is the system', async (name) => {
  expect(await read(name, 'export default { some: "system" }')).toEqual({ some: 'system' })
})

test('a module without a default export is refused with this reason', async () => {
  expect(await failure('none.mjs', 'export const system = {}')).toMatch(/^has no default export; it ends with/)
})

test('JSON changes the values of the system that comes with the package', async () => {
  const config = (await read('values.json', {
    server: { config: { port: 1884 }, stopDeadlineMs: 500 },
    packetLog: { enabled: true },
    mqttHandler: { dependencies: { logger: 'logger' } },
  })) as typeof shipped
  expect(config.server).toEqual({ ...shipped.server, config: { host: '127.0.0.1', port: 1884 }, stopDeadlineMs: 500 })
  expect(config.packetLog).toEqual({ ...shipped.packetLog, enabled: true })
  expect(config.mqttHandler).toEqual(shipped.mqttHandler)
  expect(Object.keys(config)).toEqual(Object.keys(shipped))
  expect(configure(config, [])).toBeDefined()
})

test('JSON names components by module and export; such an entry stands by itself', async () => {
  file(
    'parts.mjs',
    `export const one = ${component('One')}\nexport const two = ${component('Two')}\nexport const three = 3\n`,
  )
  file('single.mjs', `export const only = ${component('Only')}\nexport const other = 5\n`)
  const config = (await read('components.json', {
    one: { component: './parts.mjs#one', config: { a: 1 } },
    only: { component: './single.mjs' },
    router: { component: './parts.mjs#two' },
  })) as AnySystemConfig
  expect(config['one']).toMatchObject({ component: { provides: { name: 'One' } }, config: { a: 1 } })
  expect(config['only']!.component.provides.name).toBe('Only')
  expect(config['router']).toEqual({ component: expect.objectContaining({ provides: { name: 'Two' } }) })
})

test('all problems of a JSON file are reported together, each with its place', async () => {
  const text = await failure('wrong.json', {
    sever: { config: { port: 1 } },
    store: { component: './gone.mjs#store' },
    router: { component: './parts.mjs' },
    logger: { component: './parts.mjs#tow' },
    server: { component: 5 },
    beat: { component: 'no-such-package#beat' },
  })
  expect(text).toContain('6 problems (CONFIG_INVALID)')
  expect(text).toMatch(
    /^sever\n {2}there is no 'sever' in the system of the package; did you mean 'server'\?; JSON names/m,
  )
  expect(text).toMatch(/^store\.component\n {2}'\.\/gone\.mjs' does not load: /m)
  expect(text).toMatch(
    /^router\.component\n {2}'\.\/parts\.mjs' does not tell which .*: it exports 'one' and 'two'; JSON/m,
  )
  expect(text).toMatch(/^logger\.component\n {2}'\.\/parts\.mjs' exports no component 'tow'; did you mean 'two'\?/m)
  expect(text).toMatch(/^server\.component\n {2}found a number; JSON names a component by/m)
  expect(text).toMatch(/^beat\.component\n {2}'no-such-package' does not load: /m)
})

test('an entry that is no object is left to the check of the config', async () => {
  expect(await read('entry.json', { server: 5 })).toMatchObject({ server: 5 })
})

test('no key of a JSON file reaches a prototype', async () => {
  const config = await read('prototype.json', '{"server": {"config": {"__proto__": {"polluted": 1}}}}')
  expect(Object.getPrototypeOf((config as typeof shipped).server.config)).toBe(Object.prototype)
  expect(await failure('prototype.json', '{"__proto__": {"polluted": 1}}')).toContain("there is no '__proto__'")
  expect({}).not.toHaveProperty('polluted')
})

test.each([
  [
    '{\n  "server": {\n    "config": { "password": "sesame", }\n',
    /^is not valid JSON at line 3, column \d+; JSON has no comments/,
  ],
  ['{ "password": sesame }', /^is not valid JSON/],
  ['[]', /^holds a list; a config is an object of entries/],
  ['', /^is not valid JSON/],
])('the JSON %j: the place, and no content', async (content, message) => {
  const text = await failure('broken.json', content)
  expect(text).toMatch(message)
  expect(text).not.toContain('sesame')
})

test('a module without a component, a name that no component has, and a package that lacks the module', async () => {
  file('nothing.mjs', 'export const port = 1883\n')
  const text = await failure('nothing.json', {
    store: { component: './nothing.mjs' },
    router: { component: './parts.mjs#zzzzzz' },
    beat: { component: 'mqtt-jig/components/no-such-component#beat' },
  })
  expect(text).toMatch(
    /^store\.component\n {2}'\.\/nothing\.mjs' does not tell which .*: it exports no component; JSON/m,
  )
  expect(text).toMatch(
    /^router\.component\n {2}'\.\/parts\.mjs' exports no component 'zzzzzz': it exports 'one' and 'two'$/m,
  )
  expect(text).toMatch(/^beat\.component\n {2}'mqtt-jig\/components\/no-such-component' does not load: /m)
})
