import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import * as container from '../../src/system/index.ts'
import { countedNotes, report } from '../container/measures.ts'
import { grouped, part, trimmed, twoServers } from '../container/variants.ts'

const root = resolve(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(resolve(root, file), 'utf8')
const page = read('docs/container.md')

test('the examples of docs/container.md are the files of test/container, and there are no others', () => {
  const examples = [...page.matchAll(/^```ts\n\/\/ (\S+)\n([\s\S]*?)^```$/gm)].map(([, file, text]) => [file, text])
  expect(page.match(/^ *```ts$/gm)).toHaveLength(examples.length)
  const files = readdirSync(resolve(root, 'test/container')).map((file) => [
    file,
    read(`test/container/${file}`).replaceAll("'../../src/system/index.ts'", "'mqtt-jig/system'"),
  ])
  expect(Object.fromEntries(examples)).toEqual(Object.fromEntries(files))
})

test('the variants that the page shows start', async () => {
  for (const system of [
    { ...grouped, http: { ...grouped.http, config: { port: 0 } } },
    { ...trimmed, http: { ...trimmed.http, config: { port: 0 } } },
    part,
  ]) {
    await using running = container.createSystem(system)
    await running.start()
    expect(running.state).toBe('running')
  }
  await using running = container.createSystem(twoServers)
  await running.start()
  expect(running.map.ports).toEqual([running.map.http.port, running.map.second.port])
})

test('the measures that the page shows can be read', async () => {
  const config = container.defineSystem({ report: { component: report }, notes: { component: countedNotes } })
  await using running = container.createSystem(config)
  await running.start()
  running.map.notes.set('/a', 'A')
  expect(running.map.report.lines()).toEqual(['notes stored: 1 notes'])
})

test('mqtt-jig/system is the container alone: its code imports its own files, awilix, zod and Node', () => {
  const { exports } = JSON.parse(read('package.json')) as { exports: Record<string, { default: string }> }
  const source = exports['./system']!.default.replace('./dist/', '').replace(/\.js$/, '.ts')
  expect(source).toBe('src/system/index.ts')
  const packages = new Set<string>()
  const files = new Set([resolve(root, source)])
  for (const file of files) {
    expect(existsSync(file), file).toBe(true)
    for (const [, name] of readFileSync(file, 'utf8').matchAll(/\bfrom '([^']+)'/g)) {
      if (name!.startsWith('.')) files.add(resolve(file, '..', name!))
      else if (!name!.startsWith('node:')) packages.add(name!)
    }
  }
  expect([...packages].sort()).toEqual(['awilix', 'zod'])
  expect([...files].filter((file) => !file.startsWith(resolve(root, 'src/system/')))).toEqual([])
})

test('the page names every function that mqtt-jig/system exports for systems and components', () => {
  const functions = [
    'createSystem',
    'defineComponent',
    'defineSystem',
    'kind',
    'optional',
    'many',
    'all',
    'exclusive',
    'only',
  ]
  for (const name of [...functions, 'formatError']) {
    expect(container).toHaveProperty(name, expect.any(Function))
    expect(page).toContain(name)
  }
})
