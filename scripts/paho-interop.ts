/**
 * Runs the interoperability suites of Eclipse Paho (https://github.com/eclipse/paho.mqtt.testing) against this broker, from a
 * check-out outside this repository:
 *
 *     npm run interop -- /path/to/paho.mqtt.testing        or PAHO_TESTING=/path/to/paho.mqtt.testing npm run interop
 *     npm run interop -- /path/to/paho.mqtt.testing 1883   against a broker that runs already
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'

/** The suites by file: MQTT 3.1.1 and 5.0. */
const SUITES = ['client_test.py', 'client_test5.py']

/** The suites read a port from the command line, and so does unittest, which knows no such option. */
const RUNNER = `
import runpy, sys, unittest
main = unittest.main
unittest.main = lambda *args, **kwargs: main('__main__', argv=['suite'], verbosity=2)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name='__main__')
`

const root = resolve(import.meta.dirname, '..')

export const main = async ([path = process.env['PAHO_TESTING'], port]: readonly string[]): Promise<number> => {
  const folder = path === undefined ? undefined : resolve(path, 'interoperability')
  if (folder === undefined || !existsSync(resolve(folder, SUITES[0]!))) {
    console.error('usage: npm run interop -- PATH [PORT], where PATH is a check-out of eclipse/paho.mqtt.testing')
    return 2
  }
  const broker = port === undefined ? await startBroker() : { port, stop: async () => undefined }
  let failed = 0
  for (const suite of SUITES) failed += await runSuite(folder, suite, broker.port)
  await broker.stop()
  return failed === 0 ? 0 : 1
}

const startBroker = async () => {
  const config = resolve(root, 'test/smoke/paho.config.ts')
  const child = spawn('node', ['bin/mqtt-jig.mjs', '--config', config], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const port = line.match(/"port":(\d+)/)?.[1]
    if (port !== undefined) return { port, stop: () => stop(child) }
  }
  throw new Error('the broker did not start')
}

const stop = async (child: ChildProcess): Promise<void> => {
  child.stdout?.resume()
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}

/** @returns how many tests failed, at least one when the suite itself did. */
const runSuite = async (folder: string, suite: string, port: string): Promise<number> => {
  const args = ['-u', '-W', 'ignore', '-c', RUNNER, suite, '--hostname', '127.0.0.1', '--port', port]
  const child = spawn('python3', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      process.stdout.write(chunk)
    })
  }
  const [code] = (await once(child, 'close')) as [number | null]
  const ran = Number(text.match(/^Ran (\d+) tests?/m)?.[1] ?? 0)
  const failures = [...text.matchAll(/^(?:FAIL|ERROR): (\w+)/gm)].map(([, name]) => name)
  console.log(`${suite}: ${ran - failures.length} of ${ran} passed${failures.map((name) => `, not ${name}`).join('')}`)
  return code === 0 && ran > 0 ? 0 : Math.max(1, failures.length)
}
