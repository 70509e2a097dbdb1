/** The tour of docs/durability.md: its commands as written, in an empty folder with the packed package, on a free port. */

import { once } from 'node:events'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { installPackage, root } from './installed-package.ts'
import { endPrograms, type Program, run } from './program.ts'

const page = readFileSync(join(root, 'docs/durability.md'), 'utf8')
const [, tour] = page.match(/\n## The tour\n([\s\S]*?)\n## /)!
const blocks = (language: string): string[][] =>
  [...tour!.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, text]) =>
    text!.trim().split('\n'),
  )

let folder: string
let shell: Program
let port: number
beforeAll(async () => {
  folder = installPackage()
  port = await freePort()
}, 300_000)
// A shell that is killed would leave its broker behind.
afterEach(async () => {
  if (shell.child.exitCode === null) shell.child.stdin!.end('kill -9 $! 2>/dev/null\n')
  await shell.ended
  await endPrograms()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port: free } = server.address() as AddressInfo
  server.close()
  return free
}

/** Enters a command, on the port of this test. @returns its exit code and what it printed. */
const enter = async (command: string): Promise<{ code: number; lines: string[] }> => {
  const before = shell.lines.length
  // What does not come is not waited for without end.
  const here = command
    .replace(/^mosquitto_pub/, `mosquitto_pub -p ${port}`)
    .replace(/^mosquitto_sub/, `mosquitto_sub -p ${port} -W 20`)
  const ended = shell.line(/^exit code (\d+)$/)
  shell.child.stdin!.write(`${here}\necho "exit code $?"\n`)
  const [, code] = await ended
  return { code: Number(code), lines: shell.lines.slice(before, -1) }
}

test('the tour of docs/durability.md: kill -9 loses nothing', async () => {
  const [install, start, publish, killAndStart, receive, end] = blocks('sh')
  const [printed] = blocks('text')
  // The packed package is there already.
  expect(install).toEqual(['npm install mqtt-jig'])
  const env = { ...process.env, MQTT_JIG__SERVER__PORT: String(port), MQTT_JIG__LOGGER__FORMAT: 'json' }
  shell = run('sh', [], { cwd: folder, env })
  const log = join(folder, 'broker.log')
  const enterAll = async (commands: readonly string[]): Promise<string[]> => {
    const all: string[] = []
    for (const command of commands) {
      const isStart = command.endsWith('>broker.log &')
      if (isStart) rmSync(log, { force: true })
      const { code, lines } = await enter(command)
      expect([command, code]).toEqual([command, 0])
      all.push(...lines)
      if (isStart) {
        await eventually(() => expect(existsSync(log) && readFileSync(log, 'utf8')).toContain(`"port":${port}`))
      }
    }
    return all
  }
  await enterAll(start!)
  await enterAll(publish!)
  await enterAll(killAndStart!)
  expect(await enterAll(receive!)).toEqual(printed)
  expect(await enterAll(end!)).toEqual([expect.stringMatching(/^The store in data is in order: \d+ entries\.$/)])
})
