/** The commands of operators against the admin API of a real broker with real clients. */

import { once } from 'node:events'
import { createConnection } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { traceStage } from '../../components/trace/index.ts'
import { tracer } from '../../components/tracer/index.ts'
import { main as client } from '../../src/cli/admin/client.ts'
import { main as clients } from '../../src/cli/admin/clients.ts'
import { main as disconnect } from '../../src/cli/admin/disconnect.ts'
import { main as health } from '../../src/cli/admin/health.ts'
import { main as log } from '../../src/cli/admin/log.ts'
import { main as retained } from '../../src/cli/admin/retained.ts'
import { main as status } from '../../src/cli/admin/status.ts'
import { main as trace } from '../../src/cli/admin/trace.ts'
import { AdminBroker } from '../helpers/admin-broker.ts'
import { CommandRun } from '../helpers/command-run.ts'
import { RealClient } from '../helpers/mqtt-js.ts'
import { quietSystem } from '../helpers/start-broker.ts'

const READ_ONLY = 'read-only-read-only'

let api: AdminBroker
const connected: RealClient[] = []
beforeAll(async () => {
  api = await AdminBroker.start({
    admin: { tokens: [{ name: 'viewer', token: READ_ONLY, readOnly: true }] },
    entries: {
      tracer: { component: tracer, dependencies: { logger: 'logger' } },
      trace: { component: traceStage, dependencies: { tracer: 'tracer', broker: 'broker' } },
      server: {
        ...quietSystem.server,
        dependencies: {
          ...quietSystem.server.dependencies,
          pipeline: ['mqttDecoder', 'trace', 'mqttHandler', 'mqttEncoder'],
        },
      },
    },
    dependencies: { tracer: 'tracer' },
  })
})
afterEach(async () => {
  for (const each of connected.splice(0)) each.mqtt.end(true)
  await expect.poll(() => [...api.broker.map.broker.clients()].length).toBe(0)
})
afterAll(() => api.stop())

const connect = async (clientId: string, options: object = {}): Promise<RealClient> => {
  const own = await RealClient.connect(api.broker.port, 5, { clientId, ...options })
  connected.push(own)
  return own
}

type Main = typeof clients

/** Starts a command. @param token that of the broker unless given; empty is none. */
const begin = (main: Main, words: string, token = api.token, isTTY = false): CommandRun => {
  const environment = { MQTT_JIG_ADMIN_URL: api.url, ...(token !== '' && { MQTT_JIG_TOKEN: token }) }
  return new CommandRun(main, words, { isTTY, environment })
}

const run = async (...args: Parameters<typeof begin>): Promise<CommandRun & { readonly exitCode: number }> => {
  const command = begin(...args)
  return Object.assign(command, { exitCode: await command.code })
}

/** Runs a command that succeeds. @returns its lines of JSON. */
const json = async (main: Main, words: string): Promise<readonly Record<string, unknown>[]> => {
  const { exitCode, stderr, lines } = await run(main, words)
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

/** Runs a command that succeeds in a terminal. @returns what it prints. */
const text = async (main: Main, words: string): Promise<string> => {
  const { exitCode, stdout } = await run(main, words, api.token, true)
  expect(exitCode).toBe(0)
  return stdout
}

describe('the commands of operators', () => {
  it('list, sort, find and describe clients', async () => {
    const kitchen = await connect('kitchen', { username: 'bob', password: 'x', keepalive: 30 })
    await kitchen.mqtt.subscribeAsync('a/#', { qos: 1 })
    await connect('cellar/ü')
    expect((await json(clients, '--sort connectedAtMs --descending')).map(({ id }) => id)).toEqual([
      'cellar/ü',
      'kitchen',
    ])
    expect(await json(clients, 'kit')).toMatchObject([{ id: 'kitchen', userName: 'bob', subscriptions: 1 }])
    expect(await json(clients, '--user bob')).toMatchObject([{ id: 'kitchen' }])
    expect(await json(clients, '--address 192.0.2.1')).toEqual([])
    expect(await json(clients, '--limit 1')).toHaveLength(1)
    expect(await text(clients, '')).toMatch(/CLIENT +USER +ADDRESS.*kitchen +bob +127\.0\.0\.1.*2 clients\n$/s)
    expect(await json(client, 'cellar/ü')).toMatchObject([{ id: 'cellar/ü', session: { hasWill: false } }])
    expect(await text(client, 'kitchen')).toMatch(/Keep Alive +30 s.*FILTER +QOS\na\/# +1\n/s)
  })

  it('disconnect a client, with a Reason Code', async () => {
    const kitchen = await connect('kitchen', { reconnectPeriod: 0 })
    const left = new Promise<unknown>((resolve) => kitchen.mqtt.once('disconnect', resolve))
    expect(await text(disconnect, 'kitchen --reason 151')).toContain('kitchen')
    expect(await left).toMatchObject({ reasonCode: 151 })
    expect(await run(disconnect, 'kitchen')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('No client with this identifier is connected.'),
    })
  })

  it('disconnect a client and ban its address', async () => {
    await connect('kitchen', { reconnectPeriod: 0 })
    expect(await json(disconnect, 'kitchen --ban 60')).toMatchObject([{ address: '127.0.0.1' }])
    // The connection is refused before any byte of MQTT.
    const refused = createConnection(api.broker.port, '127.0.0.1')
      .on('error', () => {})
      .resume()
    await once(refused, 'close')
    expect(refused.bytesRead).toBe(0)
    expect(await api.call('DELETE', '/bans/127.0.0.1')).toMatchObject({ status: 200 })
    await connect('kitchen')
  })

  it('list, read and delete retained messages', async () => {
    const kitchen = await connect('kitchen')
    const payload = Buffer.from([0xff, 0, 10])
    await kitchen.mqtt.publishAsync('a/ü b', payload, { retain: true, qos: 1 })
    await kitchen.mqtt.publishAsync('a/c', 'warm', { retain: true, qos: 1 })
    expect((await json(retained, 'a/#')).map(({ topic }) => topic).sort()).toEqual(['a/c', 'a/ü b'])
    expect(await text(retained, 'a/c')).toMatch(/a\/c +1 +4 B +warm.*1 retained message\n/s)
    const environment = { MQTT_JIG_ADMIN_URL: api.url, MQTT_JIG_TOKEN: api.token }
    const read = new CommandRun(retained, ['a/ü b', '--payload'], { environment })
    expect(await read.code).toBe(0)
    expect(read.bytes).toEqual(payload)
    await json(retained, 'a/c --delete')
    expect(await json(retained, 'a/c')).toEqual([])
    expect((await run(retained, 'a/c --delete')).exitCode).toBe(1)
  })

  it('describe the broker and its health', async () => {
    await connect('kitchen')
    const [overview] = await json(status, '')
    expect(overview).toMatchObject({ state: 'running', clients: 1 })
    expect(overview!['listeners']).toMatchObject([{ name: 'server', connections: 1 }])
    expect(await text(status, '--components')).toMatch(/Clients +1\n.*COMPONENT +KIND +STATE.*httpServer/s)
    expect(await text(health, '')).toBe('ready\n')
  })

  it('print the log, and set its level', async () => {
    await connect('kitchen')
    const lines = await json(log, '--lines 1000')
    expect(lines.some(({ message }) => String(message).includes('kitchen'))).toBe(true)
    expect(await json(log, 'level debug')).toEqual([{ level: 'debug' }])
    expect(await json(log, 'level info')).toEqual([{ level: 'info' }])
    const follow = begin(log, '--follow --lines 1')
    await connect('cellar')
    await follow.prints('cellar')
    follow.interrupt()
    expect(await follow.code).toBe(0)
  })

  it('trace a client until SIGINT, or in the background', async () => {
    const kitchen = await connect('kitchen')
    const following = begin(trace, '--client kitchen --payloads')
    await following.prints('runs until SIGINT')
    await kitchen.mqtt.publishAsync('a', 'hello', { qos: 1 })
    await following.prints('PUBACK')
    following.interrupt()
    expect(await following.code).toBe(0)
    expect(following.stdout).toContain('hello')
    expect(await json(trace, 'list')).toEqual([])
    const [{ id } = {}] = await json(trace, '--topic b/# --in-background')
    await kitchen.mqtt.publishAsync('b/c', 'unseen', { qos: 1 })
    const shown = JSON.stringify(await json(trace, `show ${id}`))
    expect(shown).toContain('b/c')
    expect(shown).not.toContain('unseen')
    await json(trace, `stop ${id}`)
    expect((await run(trace, `show ${id}`)).exitCode).toBe(1)
  })

  it('exit with 4 without a token, with a wrong one, and with one that may only read', async () => {
    await connect('kitchen')
    expect(await run(clients, '', '')).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('--token-file') })
    const wrong = await run(clients, '', 'wrong-wrong-wrong-wrong')
    expect(wrong.exitCode).toBe(4)
    expect(wrong.stderr).not.toContain('wrong-wrong')
    expect((await run(clients, '', READ_ONLY)).exitCode).toBe(0)
    expect((await run(disconnect, 'kitchen', READ_ONLY)).exitCode).toBe(4)
    expect(api.broker.map.broker.client('kitchen')).toBeDefined()
  })
})
