import { afterEach, describe, expect, test } from 'vitest'
import { endPrograms, run, startBrokerProgram } from './program.ts'

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

afterEach(() => endPrograms())

describe('mosquitto_sub and mosquitto_pub', () => {
  test('npm run go: a message reaches the subscriber, also after reset()', async () => {
    const go = run('npm', ['run', '--silent', 'go', '--', '--set', 'server.port=0'])
    const port = async () => {
      const answer = go.line(/port is (\d+)/)
      go.child.stdin!.write('console.log("port is", system.server.port)\n')
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
    const { program: start, port } = await startBrokerProgram()
    expect(await deliver(port, '/test', '/test', 'Hello')).toBe('/test Hello')
    start.child.kill('SIGTERM')
    expect(await start.ended).toBe(0)
  })
})
