import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { main, systemConfigSource } from './init.ts'
import { secureConfigSource } from './secure-config.ts'

const root = resolve(import.meta.dirname, '..')
let directory: string
let stdout: string
let stderr: string
beforeEach(() => {
  const parent = join(root, 'node_modules/.tmp')
  mkdirSync(parent, { recursive: true })
  directory = mkdtempSync(join(parent, 'init-'))
  stdout = stderr = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += text
    return true
  })
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr += text
    return true
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(directory, { recursive: true })
})

test('the file is the config of the repository, with its imports from the package', () => {
  const source = systemConfigSource()
  expect(source).not.toMatch(/from '\.|npm run/)
  const imports = [...source.matchAll(/from '([^']+)'/g)].map(([, specifier]) => specifier!)
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: object }
  expect(Object.keys(exports)).toEqual(expect.arrayContaining(['.', './components/*']))
  expect(imports.filter((each) => each !== 'mqtt-jig' && !each.startsWith('mqtt-jig/components/'))).toEqual([])
  expect(imports.length).toBeGreaterThan(5)
  // From the first entry on nothing differs.
  const entries = (text: string): string => text.slice(text.indexOf('export default'))
  expect(entries(source)).toBe(entries(readFileSync(join(root, 'system.config.ts'), 'utf8')))
})

test('the config for the network has TLS if there is a certificate', () => {
  expect(secureConfigSource()).toContain('const hasTls = false')
  const source = secureConfigSource({ cert: "it's $& \\", key: 'b.key' })
  expect(source).toContain('const hasTls = true')
  expect(source).toContain("{ cert: 'it\\'s $& \\\\', key: 'b.key' }")
})

test.each([
  ['my.config.ts', [], secureConfigSource()],
  ['my.config.mjs', [], secureConfigSource()],
  ['my.config.mjs', ['--local'], systemConfigSource()],
  [
    'my.config.mjs',
    ['--cert', "/it's/cert.pem", '--key', 'C:\\key.pem'],
    secureConfigSource({ cert: "/it's/cert.pem", key: 'C:\\key.pem' }),
  ],
])('%s is written with %j, and what to do next is said', async (name, options, source) => {
  const file = join(directory, name)
  expect(await main([file, ...options])).toBe(0)
  expect(readFileSync(file, 'utf8')).toBe(source)
  expect(stdout).toContain(`Wrote ${file}.`)
  expect(stdout).toContain('Sessions and messages are kept in the directory data.')
  expect(stdout.includes('npx mqtt-jig passwd add NAME')).toBe(!options.includes('--local'))
  expect(stdout).toMatch(/npx mqtt-jig --config \S+my\.config/)
})

test('--from takes the listeners of a mosquitto.conf, and says how many lines it left', async () => {
  const conf = join(directory, 'mosquitto.conf')
  writeFileSync(conf, 'listener 1885 127.0.0.1\nallow_anonymous true\nuser mosquitto\n')
  const file = join(directory, 'my.config.mjs')
  expect(await main(['--from', conf, file])).toBe(0)
  expect(readFileSync(file, 'utf8')).toContain("config: { host: '127.0.0.1', port: 1885, allowAnonymous: true }")
  expect(stdout).toContain('Read the comments at its top: 1 line was not taken over')
  expect(stdout).toContain('Sessions and messages are in memory and end with the broker.')
})

test('--from with an error in the mosquitto.conf: exit code 1 with its file and line, and nothing is written', async () => {
  const conf = join(directory, 'mosquitto.conf')
  writeFileSync(conf, 'listener 1883\nallow_anonymous perhaps\n')
  const file = join(directory, 'my.config.mjs')
  expect(await main(['--from', conf, file])).toBe(1)
  expect(stderr).toContain(`${conf}:2: allow_anonymous has the value 'perhaps', which is neither true nor false`)
  expect(existsSync(file)).toBe(false)
})

test('a file that exists is not changed: exit code 1', async () => {
  const file = join(directory, 'system.config.mjs')
  writeFileSync(file, 'mine')
  expect(await main([file])).toBe(1)
  expect(readFileSync(file, 'utf8')).toBe('mine')
  expect(stderr).toContain('exists already and was not changed')
})

test('a folder that does not exist: exit code 1, and the file is named', async () => {
  const file = join(directory, 'gone/system.config.mjs')
  expect(await main([file])).toBe(1)
  expect(stderr).toContain(`${file} cannot be written: ENOENT`)
})

test.each([
  [['system.config.json'], "The name 'system.config.json' ends in neither .ts nor .mjs."],
  [['a.ts', 'b.ts'], 'Give the name of one file.'],
  [['--cert', 'a.pem'], 'Give --cert and --key together.'],
  [['--local', '--cert', 'a', '--key', 'b'], 'Give one of --local, --from, or --cert and --key.'],
  [['--force'], "Unknown option '--force'"],
])('%j is a mistake: exit code 2', async (args, message) => {
  expect(await main(args)).toBe(2)
  expect(stderr).toContain(message)
  expect(stderr).toContain('Try: mqtt-jig init --help')
})

test('--from says that every line was taken over, or how many were not', async () => {
  const conf = join(directory, 'mosquitto.conf')
  writeFileSync(conf, 'listener 1885 127.0.0.1\nallow_anonymous true\nsys_interval 60\n')
  const file = join(directory, 'all.config.mjs')
  expect(await main(['--from', conf, file])).toBe(0)
  expect(stdout).toContain('Every line was taken over. ')
  expect(readFileSync(file, 'utf8')).toContain('config: { intervalSeconds: 60 }')
  writeFileSync(conf, 'user mosquitto\npid_file /run/mosquitto.pid\n')
  expect(await main(['--from', conf, join(directory, 'none.config.mjs')])).toBe(0)
  expect(stdout).toContain('Read the comments at its top: 2 lines were not taken over')
})

test('in the folder of a project: the default name needs no --config, and the package may have to be installed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'init-'))
  const before = process.cwd()
  process.chdir(folder)
  try {
    expect(await main([])).toBe(0)
    expect(existsSync('system.config.ts') || existsSync('system.config.mjs')).toBe(true)
    expect(stdout).toContain('npm install mqtt-jig')
    expect(stdout).toMatch(/by npx mqtt-jig\.|: npx mqtt-jig\n/)
    stdout = ''
    mkdirSync('node_modules/mqtt-jig', { recursive: true })
    expect(await main(['my.config.mjs'])).toBe(0)
    expect(stdout).not.toContain('npm install')
    expect(stdout).toContain('Start the broker with it: npx mqtt-jig --config my.config.mjs')
    expect(await main(['my.config.mjs'])).toBe(1)
    expect(stderr).toContain('like mqtt-jig init other.config.mjs')
  } finally {
    process.chdir(before)
    rmSync(folder, { recursive: true })
  }
})
