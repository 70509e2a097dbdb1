/** The packed package, installed into an empty folder: its command, and programs that import it. */

import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { connectAsync } from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { installPackage, root } from './installed-package.ts'
import { endPrograms, run } from './program.ts'

let folder: string
beforeAll(() => {
  folder = installPackage()
}, 300_000)
afterEach(() => endPrograms())
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const inFolder = (command: string, args: readonly string[], input = '', environment: NodeJS.ProcessEnv = {}) => {
  const env = { ...process.env, NO_COLOR: '1', ...environment }
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, input, env, encoding: 'utf8' })
  return { code: status, stdout, stderr }
}
const mqttJig = (args: readonly string[], input?: string, environment?: NodeJS.ProcessEnv) =>
  inFolder('node_modules/.bin/mqtt-jig', args, input, environment)
const program = (file: string) => inFolder(process.execPath, [file])

/** Whether this Node reads TypeScript by itself. */
const canReadTypeScript = Boolean((process.features as { typescript?: unknown }).typescript)

describe('the package', () => {
  test('has what its exports name, no tests, and no package of the development', () => {
    const own = join(folder, 'node_modules/mqtt-jig')
    const { exports } = JSON.parse(readFileSync(join(own, 'package.json'), 'utf8')) as { exports: object }
    const files = readdirSync(own, { recursive: true, encoding: 'utf8' }).map((file) => file.split(sep).join('/'))
    const targets = Object.values(exports).flatMap((each) => (typeof each === 'string' ? [each] : Object.values(each)))
    const components = readdirSync(join(root, 'components'))
    const named = (targets as string[]).flatMap((target) =>
      target.includes('*') ? components.map((name) => target.replace('*', name)) : [target],
    )
    expect(named.length).toBeGreaterThan(components.length)
    expect(named.filter((target) => !files.includes(target.slice(2)))).toEqual([])
    // The contract suites, and what they share, are for those who write components.
    const tests = files.filter((file) => /\.test\.|(^|\/)test\//.test(file))
    expect(tests.filter((file) => !/^dist\/test\/(contract|helpers)($|\/)/.test(file))).toEqual([])
    for (const name of ['vite', 'typescript', 'graphviz-cli']) {
      expect(existsSync(join(folder, 'node_modules', name))).toBe(false)
    }
  })
})

describe('the command', () => {
  test('--help and --version', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    expect(mqttJig(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
    expect(mqttJig(['--help']).stdout).toMatch(/^Usage: mqtt-jig \[command\] \[options\]\n/)
  })

  test('init writes a config that start, go and graph take', () => {
    expect(mqttJig(['init', '--local', 'system.config.mjs']).stdout).toBe(
      'Wrote system.config.mjs. Sessions and messages are kept in the directory data. Start the broker with it: npx mqtt-jig\n',
    )
    expect(mqttJig(['init', '--local', 'system.config.mjs']).code).toBe(1)
    const { stdout } = mqttJig(['graph', '--format', 'mermaid', '--output', '-'])
    expect(stdout).toContain('flowchart TB')
  })

  test.each([
    ['the default', []],
    ['the config of init', ['start', '--config', 'system.config.mjs']],
    ['JSON', ['--config', 'broker.json']],
  ])('start runs a broker: %s', async (_config, args) => {
    writeFileSync(join(folder, 'broker.json'), '{ "logger": { "config": { "format": "json" } } }')
    const env = { ...process.env, MQTT_JIG__SERVER__PORT: '0', MQTT_JIG__LOGGER__FORMAT: 'json' }
    const broker = run('node_modules/.bin/mqtt-jig', args, { cwd: folder, env })
    const [, port] = await broker.line(/"port":(\d+)/)
    const client = await connectAsync({ host: '127.0.0.1', port: Number(port), reconnectPeriod: 0 })
    await client.endAsync()
    broker.child.kill('SIGTERM')
    expect(await broker.ended).toBe(0)
  })

  test('start takes a config in TypeScript where Node does, and says what would do elsewhere', () => {
    mqttJig(['init', '--local', 'typed.config.ts'])
    // A port that cannot be had ends it at once.
    const { code, stderr } = mqttJig(['start', '--config', 'typed.config.ts', '--set', 'server.host=192.0.2.1'])
    if (canReadTypeScript) {
      expect([code, stderr]).toEqual([1, expect.stringContaining('this machine has no address 192.0.2.1')])
    } else {
      expect(code).toBe(2)
      expect(stderr).toContain(`Node ${process.versions.node} cannot read TypeScript`)
      expect(stderr).toContain('use Node 22.18 or newer, or write it in JavaScript (.mjs)')
    }
  })

  test('go has a prompt; without Vite it reads the config file again', () => {
    const { code, stdout } = mqttJig(['go', '--set', 'server.port=0'], 'status()\nreset()\ngraph()\n')
    expect(stdout).toContain('Vite is not installed: reset() reads the config file again')
    expect(stdout).toMatch(/server +Listener +running/)
    expect(stdout).toContain('reset: nothing changed')
    expect(stdout).toMatch(/^All \d+ components kept/m)
    expect(stdout).toContain('npm install --save-dev graphviz-cli')
    expect(code).toBe(0)
  })

  test('with Vite and Graphviz go loads changed code, and graph draws', async () => {
    for (const name of ['vite', 'graphviz-cli'])
      symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
    try {
      mkdirSync(join(folder, 'own'), { recursive: true })
      const values = (level: string) => `export const logger = { level: '${level}', format: 'json' }\n`
      writeFileSync(join(folder, 'own/values.ts'), values('info'))
      writeFileSync(
        join(folder, 'own/my.config.ts'),
        "import system from '../system.config.mjs'\nimport { logger } from './values.ts'\n" +
          'export default { ...system, logger: { ...system.logger, config: logger as object } }\n',
      )
      const args = ['go', '--config', 'own/my.config.ts', '--set', 'server.port=0']
      const session = run('node_modules/.bin/mqtt-jig', args, { cwd: folder })
      await session.line(/^Running \d+ components/)
      writeFileSync(join(folder, 'own/values.ts'), values('warn'))
      session.child.stdin!.end('reset()\nlog()\n')
      expect(await session.ended).toBe(0)
      expect(session.lines).toEqual(
        expect.arrayContaining([expect.stringMatching(/^Reloaded values\.ts\.$/), 'The log is at warn.']),
      )
      expect(mqttJig(['graph', '--config', 'own/my.config.ts']).stdout).toContain('system.svg: the system as SVG')
    } finally {
      for (const name of ['vite', 'graphviz-cli']) rmSync(join(folder, 'node_modules', name))
    }
  })

  test('passwd adds a user and checks its password', () => {
    const file = join(folder, 'passwords')
    expect(mqttJig(['passwd', 'add', 'ann', '--file', file], 'pencil\n').code).toBe(0)
    expect(mqttJig(['passwd', 'check', 'ann', '--file', file], 'pencil\n').code).toBe(0)
    expect(mqttJig(['passwd', 'check', 'ann', '--file', file], 'eraser\n').code).toBe(1)
  })

  test('scram makes a credential', () => {
    const { stdout } = mqttJig(['scram', 'ann', '--iterations', '4096'], 'pencil\n')
    expect(stdout).toMatch(/^ann: 'SCRAM-SHA-256\$4096:/)
  })
})

describe('programs that import the package', () => {
  test('in ECMAScript modules', () => {
    expect(program('program.mjs')).toEqual({ code: 0, stdout: 'runs: true\n', stderr: '' })
  })

  test('in CommonJS', () => {
    expect(program('program.cjs')).toMatchObject({ code: 0, stdout: 'Hello, CommonJS\n' })
  })

  describe('in TypeScript', () => {
    /** What the compiler says of the programs, its own checks of the package's declarations included. */
    const compile = (options: object): string => {
      const common = { strict: true, skipLibCheck: false, target: 'es2023', types: ['node'], outDir: 'compiled' }
      const compilerOptions = { ...common, ...options }
      const files = ['program.ts', 'heartbeat.ts', 'system.config.ts', 'testing.ts']
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
      const { stdout } = inFolder(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '--project', '.'])
      return stdout
    }

    beforeAll(() => {
      mqttJig(['init', '--local', 'system.config.ts'])
      // The component that README shows, as a project of its own imports what it needs.
      const source = readFileSync(join(root, 'test/heartbeat/index.ts'), 'utf8')
      writeFileSync(
        join(folder, 'heartbeat.ts'),
        source.replace(/from '(zod|\.\.\/\.\.\/src\/[^']*)'/g, "from 'mqtt-jig'"),
      )
      // The files in the folder are ECMAScript modules.
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as object
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, type: 'module' }))
    })

    test.each([
      ['nodenext', { module: 'nodenext', exactOptionalPropertyTypes: true }],
      ['a bundler', { module: 'esnext', moduleResolution: 'bundler' }],
    ])('types check as %s resolves them, the declarations of the package included', (_name, options) => {
      expect(compile(options)).toBe('')
    })

    test('the program runs, with the component that README shows', async () => {
      expect(compile({ module: 'nodenext' })).toBe('')
      const broker = run(process.execPath, ['compiled/program.js'], { cwd: folder })
      const [, port] = await broker.line(/^port (\d+), \d+ beats$/)
      const client = await connectAsync({ host: '127.0.0.1', port: Number(port), reconnectPeriod: 0 })
      const message = new Promise((received) => client.once('message', (topic) => received(topic)))
      await client.subscribeAsync('heartbeat')
      expect(await message).toBe('heartbeat')
      await client.endAsync()
    })
  })
})

describe('the examples', () => {
  /** Lends packages of the development to the project: the installed package does not contain them. */
  const lend = (...names: string[]) => {
    const places = names.map((name) => join(folder, 'node_modules', name))
    for (const [index, place] of places.entries()) symlinkSync(join(root, 'node_modules', names[index]!), place)
    return () => {
      for (const place of places) rmSync(place)
    }
  }
  const embedded = 'house/lamp on\nclients: 0, retained messages: 1\n'
  beforeAll(() => cpSync(join(root, 'examples'), join(folder, 'examples'), { recursive: true }))

  test.each([
    ['embed.mjs', embedded],
    ['embed.cjs', embedded],
    ['two-brokers.mjs', 'public/temperature 21.5\n'],
  ])('%s runs', (file, stdout) => {
    expect(program(`examples/${file}`)).toMatchObject({ code: 0, stdout })
  })

  test('those in TypeScript compile and run', () => {
    const compilerOptions = { strict: true, module: 'nodenext', target: 'es2023', types: ['node'], outDir: 'compiled' }
    const files = ['embed.ts', 'heartbeat.ts']
    writeFileSync(join(folder, 'examples/package.json'), '{ "type": "module" }')
    writeFileSync(join(folder, 'examples/tsconfig.json'), JSON.stringify({ compilerOptions, files }))
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    expect(inFolder(process.execPath, [compiler, '--project', 'examples']).stdout).toBe('')
    expect(program('examples/compiled/embed.js')).toEqual({ code: 0, stdout: embedded, stderr: '' })
    const { code, stdout } = program('examples/compiled/heartbeat.js')
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^heartbeat at \d{4}-\d\d-\d\dT.*, beats: \d+\n$/)])
  })

  test('the tests of the folder vitest pass, the contract suites of the package among them', () => {
    const takeBack = lend('vitest', 'fast-check', 'mqtt')
    try {
      const args = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', 'examples/vitest']
      const { code, stdout, stderr } = inFolder(process.execPath, args, '', { TEST_SET: '' })
      expect([code, stderr]).toEqual([0, ''])
      const files = readdirSync(join(folder, 'examples/vitest')).filter((file) => file.endsWith('.test.ts'))
      expect(stdout).toMatch(new RegExp(`Test Files +${files.length} passed`))
      expect(Number(/Tests +(\d+) passed/.exec(stdout)?.[1])).toBeGreaterThan(30)
    } finally {
      takeBack()
    }
  })
})
