import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { commands, main } from './cli.ts'
import { packageVersion } from './files/package-version.ts'

let stdout: string
let stderr: string
beforeEach(() => {
  stdout = stderr = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += text
    return true
  })
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr += text
    return true
  })
  vi.spyOn(console, 'log').mockImplementation((text) => {
    stdout += `${text}\n`
  })
})
afterEach(() => vi.restoreAllMocks())

test.each([['--help'], ['help']])('%s lists the commands and the options of start', async (argument) => {
  expect(await main([argument])).toBe(0)
  expect(stdout).toMatch(/^Usage: mqtt-jig \[command\] \[options\]\n/)
  for (const command of Object.keys(commands)) expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'))
  expect(stdout).toContain('--set NAME.KEY=VALUE')
  expect(stdout).toContain('MQTT_JIG__SERVER__PORT=1884 is --set server.port=1884')
})

test.each(Object.keys(commands))('%s --help is the help of that command', async (command) => {
  expect(await main([command, '--help'])).toBe(0)
  expect(stdout).toMatch(new RegExp(`^Usage: mqtt-jig ${command} `))
  expect(stdout).not.toContain('npm run')
  const help = stdout
  stdout = ''
  expect(await main(['help', command])).toBe(0)
  expect(stdout).toBe(help)
})

test('--version is that of the package', async () => {
  expect(await main(['--version'])).toBe(0)
  expect(stdout).toBe(`${packageVersion()}\n`)
})

test.each([
  ['strat', "There is no command 'strat'; did you mean 'start'?"],
  ['publish', "There is no command 'publish'; there are 'start', 'go', 'graph', 'init', 'pub'"],
  ['toString', "There is no command 'toString'; there are"],
  ['my.config.json', "There is no command 'my.config.json'; a config is given as --config my.config.json."],
])('the unknown command %s: exit code 2, and what would do', async (word, message) => {
  expect(await main([word])).toBe(2)
  expect(stderr).toContain(message)
  expect(stderr).toContain('Try: mqtt-jig --help')
})

test('a mistake in the options of a command names the help of that command', async () => {
  expect(await main(['scram'])).toBe(2)
  expect(stderr).toContain('Try: mqtt-jig scram --help')
})

test('the package has a command of this name', () => {
  const root = resolve(import.meta.dirname, '..')
  const { bin } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as { bin: Record<string, string> }
  expect(readFileSync(resolve(root, bin['mqtt-jig']!), 'utf8')).toContain("'src/cli.ts'")
})
