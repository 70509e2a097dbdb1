/** The page for operators, and the files that install the broker: what they name exists, and they agree with each other. */

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { sysTopics } from '../../components/sys-topics/index.ts'
import secure from '../../secure.config.ts'
import { DEFAULT_URL } from '../../src/cli/admin/admin-client.ts'
import { exitCodes } from '../../src/command-line.ts'
import { environmentSettings } from '../../src/environment.ts'
import { defineSystem } from '../../src/system/define-system.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { checkSettings } from '../../src/system/settings.ts'
import system from '../../system.config.ts'
import { quietSystem } from '../helpers/start-broker.ts'

const root = resolve(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(resolve(root, file), 'utf8')
const page = read('docs/operations.md')

/** The source of everything that writes to the log, but for tests, with texts that are divided over lines put together. */
const sources = ['components', 'src'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => readFileSync(join(root, folder, file), 'utf8')),
)
const texts = sources.join('\n').replace(/['`] \+\n\s*['`]/g, '')

/** The rows of all tables whose first column has lines of the log. */
const lines = [
  ...page
    .split('## What a line of the log means')[1]!
    .split('\n## ')[0]!
    .matchAll(/^\| (`.+?) \|/gm),
].flatMap(([, cell]) => [...cell!.matchAll(/`([^`]+)`/g)].map(([, line]) => line!))

describe('docs/operations.md', () => {
  it.each(lines)('the broker writes the line: %s', (line) => {
    const parts = line.split('...').map((part) => part.replace(/[()]/g, '').trim())
    for (const part of parts) expect(texts.replace(/[()]/g, '')).toContain(part)
  })

  it('has lines of each sort', () => expect(lines.length).toBeGreaterThan(45))

  it('links to files and headings that exist', () => {
    for (const [, link] of page.matchAll(/\]\((?!https?:)([^)]+)\)/g)) {
      const [file = '', heading] = link!.split('#')
      expect(existsSync(resolve(root, 'docs', file)), link).toBe(true)
      if (heading === undefined) continue
      const headings = [...read(join('docs', file)).matchAll(/^#+ (.+)$/gm)].map(([, text]) =>
        text!
          .toLowerCase()
          .replace(/[^a-z0-9 -]/g, '')
          .replaceAll(' ', '-'),
      )
      expect(headings, link).toContain(heading)
    }
  })

  it('names measures that the components have', async () => {
    await using running = createSystem(quietSystem)
    await running.start()
    const known = new Set(running.measures().map(({ component, measure }) => `${component} ${measure.name}`))
    const table = page.split('### Numbers')[1]!.split('\n## ')[0]!
    const named = [...table.matchAll(/^\| [^|]+ \| ([^|]*`[^|]*) \|/gm)].flatMap(([, cell]) =>
      cell!.split(';').map((part) => [...part.matchAll(/`(\w+)`/g)].map(([, name]) => name!)),
    )
    expect(named.length).toBeGreaterThan(10)
    for (const [component, name] of named) {
      // The store of the test is in memory, and `metrics` is another component.
      if (component === 'store' || component === 'metrics') continue
      expect(known, `${component} ${name}`).toContain(`${component} ${name}`)
    }
  })

  it('names figures that docs/benchmarks.md has', () => {
    const benchmarks = read('docs/benchmarks.md')
    const table = page.split('## How much it carries')[1]!.split('\n| limit')[0]!
    for (const [, cell] of table.matchAll(/^\| .* \| (`.*`) \|$/gm)) {
      for (const [, name] of cell!.matchAll(/`([^`]+)`/g)) expect(benchmarks).toContain(`\`${name}\``)
    }
  })

  it('the ports are those of the config that it writes', () => {
    const [, row] = page.match(/^\| ports \| (.*) \|$/m)!
    expect([...row!.matchAll(/\d{4,5}/g)].map(([port]) => Number(port))).toEqual([1883, 8883, 8083, 8084, 18083])
    expect(portsOfSecureConfig()).toEqual(
      [1883, 8083, 8083, 8084, 8883].filter((port, index, all) => all.indexOf(port) === index),
    )
  })
})

const portsOfSecureConfig = (): number[] =>
  Object.values(secure)
    .map((entry) => (entry as { config?: { port?: number } }).config?.port)
    .filter((port) => port !== undefined)
    .sort((first, second) => first - second)

describe('Dockerfile', () => {
  const file = read('Dockerfile')
  const instructions = file
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => /^[A-Z]+ /.test(line))
  const last = (name: string): string =>
    instructions
      .filter((line) => line.startsWith(`${name} `))
      .at(-1)!
      .slice(name.length + 1)

  it('runs as user 1883 in the folder of its volume, which belongs to it', () => {
    expect([last('USER'), last('WORKDIR'), last('VOLUME')]).toEqual(['1883:1883', '/data', '/data'])
    expect(file).toMatch(/chown 1883:1883 \/data/)
    expect(file).toMatch(/useradd --uid 1883 --gid 1883/)
  })

  it('exposes the ports of the config that it writes, and that for operators', () => {
    const exposed = last('EXPOSE')
      .split(' ')
      .map(Number)
      .sort((first, second) => first - second)
    expect(exposed).toEqual([...portsOfSecureConfig(), 18_083])
  })

  it('starts the config that it writes', () => {
    const written = file.match(/mqtt-jig init (\S+)/)![1]
    expect(JSON.parse(last('CMD'))).toEqual(['start', '--config', written])
    expect(JSON.parse(last('ENTRYPOINT'))).toEqual(['mqtt-jig'])
    expect(last('HEALTHCHECK')).toMatch(/CMD \["mqtt-jig", "health"\]$/)
    expect(file).toContain('ln -s /app/bin/mqtt-jig.mjs /usr/local/bin/mqtt-jig')
  })

  it('asks for its health where the config that it writes listens for operators', () => {
    const { host, port } = secure.httpServer.component.config.parse({})
    expect(secure.httpServer).not.toHaveProperty('config')
    expect(`http://${host}:${port}`).toBe(DEFAULT_URL)
  })

  it('installs without scripts, and without development dependencies in the image', () => {
    const installs = instructions.filter((line) => line.includes('npm ci'))
    expect(installs).toHaveLength(2)
    for (const line of installs) expect(line).toContain('--ignore-scripts')
    expect(installs[1]).toContain('--omit=dev')
    expect(file).toMatch(/COPY --from=dependencies \/app \/app/)
  })

  it('copies files that exist, and .dockerignore keeps none of them away', () => {
    const copied = instructions
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
      .flatMap((line) => line.split(' ').slice(1, -1))
    expect(copied).toContain('package-lock.json')
    for (const path of copied) expect(existsSync(join(root, path)), path).toBe(true)
    const ignored = read('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
    expect(ignored).toEqual(
      expect.arrayContaining([
        '.git',
        '**/node_modules',
        '**/dist',
        '**/data',
        '**/passwords',
        '**/admin-token',
        '**/*.key',
      ]),
    )
    const { files } = JSON.parse(read('package.json')) as { files: string[] }
    for (const path of [...copied, 'src', 'components', 'scripts', 'bin', 'LICENSE'])
      expect(ignored).not.toContain(path)
    expect(files).toEqual(expect.arrayContaining(['bin', 'dist']))
  })
})

describe('compose.yaml', () => {
  const compose = read('compose.yaml')

  it('publishes ports that the image exposes, and keeps the volume of the image', () => {
    const exposed = read('Dockerfile')
      .match(/^EXPOSE (.*)$/m)![1]!
      .split(' ')
    const published = [...compose.matchAll(/^\s+- '(\d+):(\d+)'$/gm)].map(([, , port]) => port)
    expect(published).toEqual(['1883', '8083'])
    for (const port of published) expect(exposed).toContain(port)
    expect(compose).toMatch(/^ {6}- data:\/data$/m)
    expect(compose).toMatch(/^volumes:\n {2}data:$/m)
  })

  it('needs values for the port of operators that the config has, as the page says', () => {
    const names = [...page.matchAll(/`(MQTT_JIG__(?:HTTP_SERVER|METRICS)__\w+)(?:=([^`]+))?`/g)]
    const variables = Object.fromEntries(
      names.map(([, name, value]) => [name!.replace(/_FILE$/, ''), value ?? 'a-token-of-a-test-0123']),
    )
    expect(Object.keys(variables)).toHaveLength(4)
    expect(checkSettings(secure, environmentSettings(variables)).problems).toEqual([])
  })

  it('sets values that the config has, with as many open files as connections need', () => {
    const variables = Object.fromEntries(
      [...compose.matchAll(/^ {6}(MQTT_JIG__\w+): (\S+)$/gm)].map(([, name, value]) => [name!, value!]),
    )
    expect(Object.keys(variables).length).toBeGreaterThan(1)
    for (const config of [secure, system]) {
      expect(checkSettings(config, environmentSettings(variables)).problems).toEqual([])
    }
    const files = Number(compose.match(/nofile: (\d+)/)![1])
    expect(files).toBe(Number(variables['MQTT_JIG__SERVER__MAXIMUM_CONNECTIONS']) + 200)
  })

  it('waits longer for the stop than one component may take', () => {
    expect(Number(compose.match(/stop_grace_period: (\d+)s/)![1])).toBeGreaterThan(10)
  })
})

describe('packaging/systemd/mqtt-jig.service', () => {
  const file = 'packaging/systemd/mqtt-jig.service'
  const unit = read(file)
  const value = (name: string): string => unit.match(new RegExp(`^${name}=(.*)$`, 'm'))![1]!

  it('runs in its state directory as its own user', () => {
    expect(value('WorkingDirectory')).toBe(`/var/lib/${value('StateDirectory')}`)
    expect([value('User'), value('Group'), value('Type')]).toEqual(['mqtt-jig', 'mqtt-jig', 'exec'])
    expect(page).toContain(`useradd --system --home-dir ${value('WorkingDirectory')}`)
  })

  it('starts the program and the config where the page installs them', () => {
    const [node, program, option, config] = value('ExecStart').split(' ')
    const { name, bin } = JSON.parse(read('package.json')) as { name: string; bin: Record<string, string> }
    expect(node).toBe('/usr/bin/node')
    expect(program).toBe(`/opt/mqtt-jig/node_modules/${name}/${bin['mqtt-jig']}`)
    expect([option, config]).toEqual(['--config', '/opt/mqtt-jig/system.config.mjs'])
    expect(page).toContain(`npm install --prefix ${dirname(config!)} `)
    expect(page).toContain(`(cd ${dirname(config!)} && npx mqtt-jig init system.config.mjs)`)
  })

  it('reloads by SIGHUP, and does not start again what has a wrong config', () => {
    expect(value('ExecReload')).toBe('/bin/kill -HUP $MAINPID')
    expect(Number(value('RestartPreventExitStatus'))).toBe(exitCodes.usage)
    expect(Number(value('TimeoutStopSec'))).toBeGreaterThan(10)
  })

  it('may open as many files as the default of maximumConnections needs', () => {
    const { maximumConnections } = system.server.component.config.parse({ ...system.server.config })
    expect(Number(value('LimitNOFILE'))).toBeGreaterThanOrEqual(maximumConnections + 200)
  })

  it('leaves the compiler of V8 alone, and the addresses that the broker needs', () => {
    expect(unit).not.toMatch(/^MemoryDenyWriteExecute/m)
    expect(value('RestrictAddressFamilies').split(' ')).toEqual(
      expect.arrayContaining(['AF_INET', 'AF_INET6', 'AF_UNIX']),
    )
  })

  it.skipIf(spawnSync('systemd-analyze', ['--version']).status !== 0)('is a valid unit', () => {
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', join(root, file)], { encoding: 'utf8' })
    // A machine without the programs of the unit, such as Node at this path, is not a fault of the unit.
    const problems = `${stdout}${stderr}`.split('\n').filter((line) => line !== '' && !/is not executable/.test(line))
    expect(problems).toEqual([])
    if (!/is not executable/.test(`${stdout}${stderr}`)) expect(status).toBe(0)
  })
})

test('the example of sysTopics is a valid entry', () => {
  const config = defineSystem({
    ...system,
    sysTopics: {
      component: sysTopics,
      config: { intervalSeconds: 10 },
      dependencies: { broker: 'broker', logger: 'logger' },
    },
  })
  expect(checkSettings(config, []).problems).toEqual([])
})
