import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ImportModule, importByNode, readConfigFile } from '../../src/config-file.ts'
import { environmentSettings } from '../../src/environment.ts'
import { applySettings, checkSettings } from '../../src/system/settings.ts'
import system from '../../system.config.ts'
import { heartbeat } from '../heartbeat/index.ts'

const root = resolve(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(resolve(root, file), 'utf8')
const page = read('docs/configuration.md')
const readme = read('README.md')

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'configuration-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

const variables = [...page.matchAll(/^\| `(MQTT_JIG__\w+)=(\S+)` \| `--set (\S+)=(.*)` (.*)\|$/gm)].map(
  ([, variable, value, path, setting, rest]) => ({ variable: variable!, value: value!, path: path!, setting, rest }),
)

test.each(variables)('$variable is what the page says', ({ variable, value, path, setting, rest }) => {
  const isFile = rest!.includes('the content of the file')
  const secret = join(directory, 'secret')
  writeFileSync(secret, 'word\n')
  const byVariable = applySettings(system, environmentSettings({ [variable]: isFile ? secret : value }))
  const byOption = applySettings(system, [`${path}=${isFile ? 'word' : setting}`])
  expect(byVariable.problems).toEqual([])
  expect(byVariable).toEqual(byOption)
  expect(byVariable.config).not.toEqual(system)
})

test('the page has variables of each sort', () => expect(variables.length).toBeGreaterThan(4))

/** The component that the page names is the one of README. */
const importModule: ImportModule = (file) =>
  file === join(directory, 'heartbeat.mjs') ? Promise.resolve({ heartbeat }) : importByNode(file)

const jsonExamples = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json]) => json!)

test.each(jsonExamples)('the config in JSON is valid: %s', async (json) => {
  const file = join(directory, 'broker.json')
  writeFileSync(file, json)
  const { problems } = checkSettings(await readConfigFile(file, importModule), [])
  expect(problems).toEqual([])
})

test('the settings that README shows are valid', () => {
  const settings = [...readme.matchAll(/--set ([\w.]+=\S+)/g)].map(([, setting]) => setting!.replace(/`$/, ''))
  expect(settings.length).toBeGreaterThan(3)
  const wrong = settings.filter((setting) => !setting.startsWith('server.prot='))
  expect(checkSettings(system, wrong).problems).toEqual([])
  const ofEnvironment = [...readme.matchAll(/(MQTT_JIG__\w+)=(\S+) npx/g)].map(([, name, value]) => [name!, value!])
  expect(ofEnvironment.length).toBeGreaterThan(1)
  const found = environmentSettings(Object.fromEntries(ofEnvironment)).map(({ find }) => find(system))
  expect(found.map((each) => typeof each)).toEqual(found.map(() => 'object'))
})

test('docs/testing.md names every folder of tests', () => {
  const folders = readdirSync(join(root, 'test'), { withFileTypes: true }).filter((each) => each.isDirectory())
  const examples = ['heartbeat', 'trim-payloads']
  const testing = read('docs/testing.md')
  const missing = folders
    .map(({ name }) => name)
    .filter((name) => !examples.includes(name) && !testing.includes(`test/${name}`))
  expect(missing).toEqual([])
})

test('every npm script that CONTRIBUTING and docs/testing.md name exists', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const text = read('CONTRIBUTING.md') + read('docs/testing.md')
  const named = [...text.matchAll(/npm run (?:--silent )?([\w:-]+)/g)].map(([, script]) => script!)
  expect(named.filter((script) => scripts[script] === undefined)).toEqual([])
})

test('the config of vitest includes every folder that has tests', () => {
  const [, included] = read('vitest.config.ts').match(/include: \['\{([\w,]+)\}\/\*\*\/\*\.test\.ts'\]/)!
  const hasTests = (folder: string): boolean =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).some((file) => file.endsWith('.test.ts'))
  const folders = readdirSync(root, { withFileTypes: true })
    .filter((each) => each.isDirectory() && !/^(\.|node_modules$|dist$)/.test(each.name))
    .map(({ name }) => name)
    .filter(hasTests)
  expect(folders.filter((name) => !included!.split(',').includes(name))).toEqual([])
})
