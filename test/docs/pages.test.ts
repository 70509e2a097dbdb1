import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { connectAsync } from 'mqtt'
import { expect, test } from 'vitest'
import { defineSystem } from '../../src/system/define-system.ts'
import { systemGraph, toMermaid } from '../../src/system/graph.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { systemErrorCodes } from '../../src/system/system-error.ts'
import system from '../../system.config.ts'
import { heartbeat } from '../heartbeat/index.ts'
import { quietSystem } from '../helpers/start-broker.ts'
import { trimPayloads } from '../trim-payloads/index.ts'

const root = resolve(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(resolve(root, file), 'utf8')
const readme = read('README.md')
const pages = [
  'docs/bridges.md',
  'docs/cli.md',
  'docs/configuration.md',
  'docs/durability.md',
  'docs/embedding.md',
  'docs/secure.md',
  'docs/security.md',
  'docs/testing.md',
  'docs/writing-components.md',
  'examples/README.md',
]
/** The table of a component's page that begins with its config; a page has other tables as well. */
const configTable = (page: string): string => page.match(/^\| config \|(?:.*\n)+?\n/m)?.[0] ?? ''

test('README lists every code of SystemError with its meaning, and no other', () => {
  const rows = [...readme.matchAll(/^\| `([A-Z_]+)` \| (.+) \|$/gm)].map(([, code, meaning]) => [code, meaning])
  expect(Object.fromEntries(rows)).toEqual(systemErrorCodes)
})

test('README names every npm script that it documents as package.json does', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const named = [...readme.matchAll(/npm run (?:--silent )?([\w:-]+)/g)].map(([, script]) => script!)
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter((script) => scripts[script] === undefined)).toEqual([])
})

test.each(Object.keys(system))('README links to the page of %s, which names every value of its config', (name) => {
  const [, page] = readme.match(new RegExp(`\\[\`${name}\`\\]\\((components/[a-z0-9-]+/README\\.md)\\)`)) ?? []
  expect(page, `a link to the page of ${name}`).toBeDefined()
  const schema = system[name as keyof typeof system].component.config
  const documented = [...configTable(read(page!)).matchAll(/^\| `(\w+)` \|/gm)].map(([, key]) => key)
  expect(documented.sort()).toEqual(Object.keys(schema.shape).sort())
})

test('every file that the pages link to exists', () => {
  const top = ['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md']
  for (const page of [...top, ...pages]) {
    const links = [...read(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link]) => link!)
    const missing = links.filter((link) => !existsSync(resolve(root, dirname(page), link)))
    expect(missing.map((link) => `${page}: ${link}`)).toEqual([])
  }
})

test('the component that README shows how to write is the one tested here, and it works', async () => {
  const [, example] = readme.match(/```ts\n\/\/ components\/heartbeat\/index\.ts\n([\s\S]*?)```/)!
  expect(example).toBe(read('test/heartbeat/index.ts'))
  const running = createSystem(
    defineSystem({
      ...quietSystem,
      heartbeat: {
        component: heartbeat,
        config: { intervalMs: 10 },
        dependencies: { broker: 'broker', logger: 'logger' },
      },
    }),
  )
  await running.start()
  const client = await connectAsync({ host: '127.0.0.1', port: running.map.server.port, reconnectPeriod: 0 })
  const message = new Promise((received) => client.once('message', (topic, payload) => received([topic, `${payload}`])))
  await client.subscribeAsync('heartbeat')
  expect(await message).toEqual(['heartbeat', expect.stringMatching(/^\d{4}-\d\d-\d\dT/)])
  await client.endAsync()
  await running.stop()
})

test('the filter that README shows how to write is the one tested here, and it works', async () => {
  const [, example] = readme.match(/```ts\n\/\/ components\/trim-payloads\/index\.ts\n([\s\S]*?)```/)!
  expect(example).toBe(read('test/trim-payloads/index.ts'))
  const [, list] = readme.match(/pipeline: \[(.*'trimPayloads'.*)\],/)!
  const pipeline = list!.split(', ').map((name) => name.slice(1, -1))
  const dependencies = { ...quietSystem.server.dependencies, pipeline }
  const running = createSystem({
    ...quietSystem,
    trimPayloads: { component: trimPayloads },
    server: { ...quietSystem.server, dependencies },
  } as typeof quietSystem)
  await running.start()
  const client = await connectAsync({ host: '127.0.0.1', port: running.map.server.port, reconnectPeriod: 0 })
  const message = new Promise((received) => client.once('message', (_topic, payload) => received(`${payload}`)))
  await client.subscribeAsync('scale')
  await client.publishAsync('scale', '17.3 kg\r\n', { qos: 1 })
  expect(await message).toBe('17.3 kg')
  await client.endAsync()
  await running.stop()
})

test('the picture in ARCHITECTURE is that of system.config.ts', () => {
  const [, picture] = read('ARCHITECTURE.md').match(/```mermaid\n([\s\S]*?)```/)!
  expect(picture!.trim()).toBe(toMermaid(systemGraph(system)).trim())
})

test('npm test looks for tests in every folder that has some', () => {
  const [, included] = read('vitest.config.ts').match(/include: \['\{([\w,]+)\}\/\*\*\/\*\.test\.ts'\]/)!
  const own = readdirSync(root, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && !/^\.|^(?:node_modules|dist|coverage)$/.test(entry.name),
  )
  const isTest = (file: string | Buffer): boolean => `${file}`.endsWith('.test.ts')
  const withTests = own.filter(({ name }) => readdirSync(resolve(root, name), { recursive: true }).some(isTest))
  expect(included!.split(',').sort()).toEqual(withTests.map(({ name }) => name).sort())
})
