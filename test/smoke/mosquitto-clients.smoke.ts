import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { afterEach, describe, expect, test } from 'vitest'

/** A child process whose standard output is read line by line. */
interface Program {
  readonly child: ChildProcess
  /** The next line, from now on, that matches. Rejects when the program ends without one. */
  line(pattern: RegExp): Promise<RegExpMatchArray>
  readonly ended: Promise<number | null>
}

const root = resolve(import.meta.dirname, '../..')
const running: Program[] = []

const run = (command: string, args: readonly string[]): Program => {
  const child = spawn(command, args, { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] })
  const lines: Interface = createInterface({ input: child.stdout! })
  const program: Program = {
    child,
    line: (pattern) =>
      new Promise((found, failed) => {
        const look = (line: string) => {
          const match = line.match(pattern)
          if (match === null) return
          lines.off('line', look)
          found(match)
        }
        lines.on('line', look)
        lines.once('close', () => failed(new Error(`${command} ended without a line like ${pattern}`)))
      }),
    ended: once(child, 'close').then(([code]) => code as number | null),
  }
  running.push(program)
  return program
}

/** Subscribes, waits until the broker has granted it (-d prints that), publishes, and returns what arrived. */
const deliver = async (port: number, filter: string, topic: string, message: string): Promise<string> => {
  const address = ['-h', '127.0.0.1', '-p', String(port)]
  const options = ['-t', filter, '-C', '1', '-W', '20', '-d', '-F', 'got %t %p']
  // Into a pipe it would write nothing before it ends: stdbuf has it write line by line.
  const subscriber = run('stdbuf', ['-oL', 'mosquitto_sub', ...address, ...options])
  const got = subscriber.line(/^got (.*)$/)
  await Promise.race([subscriber.line(/^Subscribed /), got])
  const publisher = run('mosquitto_pub', [...address, '-t', topic, '-m', message])
  expect(await publisher.ended).toBe(0)
  const [, text] = await got
  expect(await subscriber.ended).toBe(0)
  return text!
}

afterEach(async () => {
  for (const { child } of running) if (child.exitCode === null) child.kill('SIGKILL')
  await Promise.all(running.splice(0).map(({ ended }) => ended))
})

describe('mosquitto_sub and mosquitto_pub', () => {
  test('npm run go: a message reaches the subscriber, also after reset()', async () => {
    const go = run('npm', ['run', '--silent', 'go', '--', '--set', 'server.port=0'])
    const port = async () => {
      const answer = go.line(/port is (\d+)/)
      // biome-ignore lint/suspicious/noTemplateCurlyInString: evaluated by the REPL
      go.child.stdin!.write('console.log(`port is ${system.server.port}`)\n')
      return Number((await answer)[1])
    }
    expect(await deliver(await port(), '/test', '/test', 'Hello')).toBe('/test Hello')
    go.child.stdin!.write('reset()\n')
    expect(await deliver(await port(), 'sensors/+/#', 'sensors/attic/temperature', '21')).toBe(
      'sensors/attic/temperature 21',
    )
    go.child.stdin!.end()
    expect(await go.ended).toBe(0)
  })

  test('npm start: a message reaches the subscriber; SIGTERM ends it with 0', async () => {
    const start = run('node', ['bin/mqtt-jig.mjs', '--set', 'server.port=0', '--set', 'logger.format=json'])
    const [, port] = await start.line(/"port":(\d+)/)
    expect(await deliver(Number(port), '/test', '/test', 'Hello')).toBe('/test Hello')
    start.child.kill('SIGTERM')
    expect(await start.ended).toBe(0)
  })
})
