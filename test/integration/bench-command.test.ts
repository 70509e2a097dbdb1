import { expect, test } from 'vitest'
import { main as bench } from '../../src/cli/bench/bench.ts'
import { CommandRun } from '../helpers/command-run.ts'
import { eventually } from '../helpers/eventually.ts'
import { FakeBrokerServer } from '../helpers/fake-broker-server.ts'
import { realBroker } from '../helpers/real-broker.ts'

const own = realBroker()

const run = async (words: string): Promise<CommandRun> => {
  const started = new CommandRun(bench, `-h 127.0.0.1 -p ${own.broker.port} --duration 0.2 ${words}`)
  await started.code
  return started
}

interface Result {
  readonly sent: number
  readonly received: number
  readonly lost: number
  readonly latency: { readonly p50Ms: number; readonly p999Ms: number; readonly maximumMs: number }
}

test.each(['0', '1', '2'])('QoS %s: every message arrives at every subscriber', async (qos) => {
  const found = await run(`--publishers 2 --subscribers 3 --rate 200 --qos ${qos}`)
  expect(found.stderr).toBe('')
  expect(await found.code).toBe(0)
  const { sent, received, lost, latency } = JSON.parse(found.stdout) as Result
  expect(sent).toBe(80)
  expect({ received, lost }).toEqual({ received: 240, lost: 0 })
  expect(latency.p50Ms).toBeGreaterThan(0)
  expect(latency.p999Ms).toBeLessThanOrEqual(latency.maximumMs)
  // Nothing is left at the broker.
  await eventually(() => expect([...own.broker.map.broker.sessions()]).toEqual([]))
})

test.each(['0', '1'])('as many as possible at QoS %s, in pairs', async (qos) => {
  const found = await run(`--pairs 3 --size 1000 --qos ${qos} --table`)
  expect(await found.code).toBe(0)
  expect(found.stdout).toMatch(/^Clients {3}3 publishers, 3 subscribers$/m)
  expect(found.stdout).toMatch(/^Lost {6}0$/m)
})

test('messages of others on the same topic are not counted', async () => {
  const other = await own.connect(5, {})
  const started = new CommandRun(
    bench,
    `-h 127.0.0.1 -p ${own.broker.port} --duration 0.2 --rate 50 -t shared --publishers 1`,
  )
  const timer = setInterval(() => other.mqtt.publish('shared/0', Buffer.alloc(64)), 5)
  expect(await started.code).toBe(0)
  clearInterval(timer)
  const { sent, received } = JSON.parse(started.stdout) as Result
  expect(received).toBe(sent)
})

test('SIGINT ends the run early, with its result', async () => {
  const started = new CommandRun(bench, `-h 127.0.0.1 -p ${own.broker.port} --duration 600 --rate 100`)
  await eventually(() => expect([...own.broker.map.broker.clients()].length).toBe(2))
  started.interrupt()
  expect(await started.code).toBe(0)
  expect(JSON.parse(started.stdout)).toMatchObject({ lost: 0 })
})

test('a connection that is lost: exit code 7', async () => {
  const fake = await FakeBrokerServer.start(['20 03 00 00 00', (socket) => socket.destroy()])
  const started = new CommandRun(bench, `-p ${fake.port} --subscribers 0 --duration 600 --rate 100`)
  expect(await started.code).toBe(7)
  await fake.stop()
})

test.each([
  ['--pairs 1 --publishers 2', 'Give either --pairs or --publishers and --subscribers.'],
  ['--size 1', '--size 1: a whole number from 16'],
  ['-t a/#', 'A Topic Name holds neither + nor #.'],
  ['more', 'bench takes no argument.'],
])('%s: exit code 2', async (words, message) => {
  const found = await run(words)
  expect(await found.code).toBe(2)
  expect(found.stderr).toContain(message)
})
