/** Commands of docs/operations.md as they are written, in a folder with the packed package: install, back up, restore. */

import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { RealClient } from '../helpers/mqtt-js.ts'
import { installPackage, root } from './installed-package.ts'
import { endPrograms, type Program, run } from './program.ts'

const page = readFileSync(join(root, 'docs/operations.md'), 'utf8')
/** The commands of the blocks in a section. */
const blocksOf = (heading: string): string[][] => {
  const section = page.split(`\n${heading}\n`)[1]!.split(/\n##+ /)[0]!
  return [...section.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, text]) => text!.trim().split('\n'))
}

let folder: string
let env: NodeJS.ProcessEnv
beforeAll(() => {
  folder = installPackage()
  env = {
    ...process.env,
    PATH: `${join(folder, 'node_modules/.bin')}${delimiter}${process.env['PATH']}`,
    MQTT_JIG__SERVER__PORT: '0',
    MQTT_JIG__WEB_SOCKET__PORT: '0',
    MQTT_JIG__LOGGER__FORMAT: 'json',
  }
}, 300_000)
afterEach(() => endPrograms())
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs a command of the page in the folder. @param input for the question for a password. */
const enter = (command: string, input = ''): string => {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', command], { cwd: folder, env, input, encoding: 'utf8' })
  expect([command, status, stderr]).toEqual([command, 0, expect.anything()])
  return stdout
}

const start = async (): Promise<{ readonly broker: Program; readonly port: number }> => {
  const broker = run('node', ['node_modules/mqtt-jig/bin/mqtt-jig.mjs'], { cwd: folder, env })
  const [, port] = await broker.line(/"host":"[\d.]+","port":(\d+)/)
  return { broker, port: Number(port) }
}

const stop = async ({ child, ended }: Program): Promise<void> => {
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
}

test('install, back up and restore: what was in the backup is there again', async () => {
  const [[install, init, addUser, startCommand]] = blocksOf('### npm') as [string[]]
  expect([install, startCommand]).toEqual(['npm install mqtt-jig', 'npx mqtt-jig'])
  expect(enter(init!)).toContain('Wrote system.config')
  enter(addUser!, 'secret\n')
  const login = { username: 'alice', password: 'secret' }
  const first = await start()
  const client = await RealClient.connect(first.port, 5, login)
  await client.mqtt.publishAsync('house/lamp', 'before', { qos: 1, retain: true })
  const [backUp, restore] = blocksOf('## Back up and restore')
  for (const command of backUp!) enter(command)
  await client.mqtt.publishAsync('house/lamp', 'after', { qos: 1, retain: true })
  await client.end()
  await stop(first.broker)
  expect(restore!.map((command) => enter(command)).at(-1)).toMatch(/^The store in data is in order/)
  const second = await start()
  const reader = await RealClient.connect(second.port, 5, login)
  await reader.mqtt.subscribeAsync('house/#')
  expect((await reader.next()).payload).toBe('before')
  await reader.end()
  await stop(second.broker)
})
