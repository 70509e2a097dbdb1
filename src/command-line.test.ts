import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type CommandLine,
  exitCodes,
  type Program,
  packageDirectory,
  parseCommandLine,
  startOption,
} from './command-line.ts'
import { packageVersion } from './files/package-version.ts'

const repository = resolve(import.meta.dirname, '..')
const program: Program = {
  name: 'npm run go --',
  summary: 'Does things.',
  options: { watch: { type: 'boolean', description: 'looks' } },
  notes: ['', 'A note.'],
}
let directory: string

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'command-line-'))
  writeFileSync(join(directory, 'mine.config.js'), '')
})
afterAll(() => rmSync(directory, { recursive: true }))

const parse = (...args: string[]): CommandLine => parseCommandLine(args, program, directory)

const run = (...args: string[]): CommandLine & { action: 'run' } => {
  const commandLine = parse(...args)
  if (commandLine.action !== 'run') throw new Error(commandLine.text)
  return commandLine
}

test('a config file is relative to the working directory', () => {
  expect(run('--config', 'mine.config.js')).toEqual({
    action: 'run',
    configFile: join(directory, 'mine.config.js'),
    settings: [],
    only: [],
    options: { watch: undefined },
  })
})

test('a config file that does not exist is a mistake', () => {
  expect(parse('--config', 'absent.config.js')).toMatchObject({
    action: 'exit',
    code: 2,
    text: expect.stringContaining(join(directory, 'absent.config.js')),
  })
})

test('the config of the working directory comes before the one that belongs to the code', () => {
  const own = join(directory, 'system.config.js')
  writeFileSync(own, '')
  expect(run().configFile).toBe(own)
  rmSync(own)
  expect(parseCommandLine([], program, repository)).toEqual(parse())
})

test('--only may be given several times', () => {
  expect(run('--config', 'mine.config.js', '--only', 'router', '--only=store').only).toEqual(['router', 'store'])
})

test('settings keep their order, and may begin with a dash or contain anything', () => {
  const settings = ['server.port=1', 'server.port=2', 'server.password=-- = --']
  const args = settings.flatMap((setting) => ['--set', setting])
  expect(run('--config', 'mine.config.js', ...args).settings).toEqual(settings)
  expect(run('--config=mine.config.js', '--set=a.b=c=d').settings).toEqual(['a.b=c=d'])
})

test('variables of the environment are settings that come before those of the command line', () => {
  const environment = { MQTT_JIG__SERVER__PORT: '1884', PATH: '/bin' }
  const args = ['--config', 'mine.config.js', '--set', 'server.port=1885']
  expect(parseCommandLine(args, program, directory, environment)).toMatchObject({
    settings: [{ label: 'MQTT_JIG__SERVER__PORT' }, 'server.port=1885'],
  })
})

test.each(['mine.yaml', 'mine'])('a config of an unknown form is a mistake: %s', (name) => {
  writeFileSync(join(directory, name), '')
  expect(parse('--config', name)).toMatchObject({
    code: 2,
    text: expect.stringContaining(
      `${join(directory, name)} is of no known form: a config is a .ts, .mjs, .js or .json file.`,
    ),
  })
})

test("a program's own options", () => {
  expect(run('--config', 'mine.config.js', '--watch').options).toEqual({ watch: true })
})

test.each([
  [['--sett', 'a.b=1'], "Unknown option '--sett'"],
  [['stray'], 'Unexpected argument'],
  [['--set'], "'--set <value>' argument missing"],
  [['--watch=yes'], "'--watch' does not take an argument"],
])('%j is a mistake, which the usage error explains', (args, message) => {
  const commandLine = parse(...args) as CommandLine & { action: 'exit' }
  expect(commandLine.code).toBe(2)
  expect(commandLine.text).toContain(message)
  expect(commandLine.text).toContain('Try: npm run go -- --help')
})

test('--start takes one of its values', () => {
  const starting = { ...program, options: startOption }
  const parsed = parseCommandLine(['--config', 'mine.config.js', '--start', 'available'], starting, directory)
  expect(parsed).toMatchObject({ action: 'run', options: { start: 'available' } })
  expect(parseCommandLine(['--start', 'some'], starting, directory)).toMatchObject({
    code: exitCodes.usage,
    text: expect.stringContaining("--start is 'all' or 'available', not 'some'."),
  })
})

test('help lists every option', () => {
  const commandLine = parse('--help') as CommandLine & { action: 'exit' }
  expect(commandLine.code).toBe(0)
  expect(commandLine.text).toMatch(/^Usage: npm run go -- \[options\]\n\nDoes things\.\n/)
  for (const option of ['--config FILE', '--set NAME.KEY=VALUE', '--watch', '--help', '--version', 'A note.']) {
    expect(commandLine.text).toContain(option)
  }
})

test('version is that of the package', () => {
  expect(parse('--version')).toEqual({ action: 'exit', code: 0, text: packageVersion() })
  expect(packageVersion()).toMatch(/^\d+\.\d+\.\d+/)
  expect(resolve(packageDirectory())).toBe(repository)
})
