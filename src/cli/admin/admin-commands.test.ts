import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { TestFiles } from '../../../test/helpers/certificates.ts'
import { CommandRun } from '../../../test/helpers/command-run.ts'
import { FAKE_TOKEN, FakeAdmin, fakePage } from '../../../test/helpers/fake-admin.ts'
import { main as client } from './client.ts'
import { main as clients } from './clients.ts'
import { main as disconnect } from './disconnect.ts'
import { main as health } from './health.ts'
import { main as log } from './log.ts'
import { main as retained } from './retained.ts'
import { main as status } from './status.ts'
import { main as trace } from './trace.ts'

let fake: FakeAdmin
beforeEach(async () => {
  fake = await FakeAdmin.start()
})
afterEach(() => fake.stop())

/** An address at which nothing listens. */
const closedUrl = async (): Promise<string> => {
  const closed = await FakeAdmin.start()
  const { url } = closed
  await closed.stop()
  return url
}

type Main = typeof clients

const run = async (main: Main, words: string, { isTTY = true, token = FAKE_TOKEN } = {}): Promise<CommandRun> => {
  const environment = { MQTT_JIG_ADMIN_URL: fake.url, ...(token === '' ? {} : { MQTT_JIG_TOKEN: token }) }
  const started = new CommandRun(main, words, { isTTY, environment })
  await started.code
  return started
}

const clientItem = (index: number) => ({
  id: `client-${String(index).padStart(4, '0')}`,
  userName: 'ann',
  address: '192.0.2.7',
  port: 5123,
  listener: 'server',
  transport: 'tcp',
  protocolVersion: 5,
  connectedAtMs: Date.now() - 3_723_000,
  keepAliveSeconds: 60,
  pendingBytes: 1_500,
  bytesReceived: 12,
  subscriptions: 2,
  inflight: 0,
  waiting: 3,
})

describe('clients', () => {
  test('a table in a terminal', async () => {
    fake.routes.set('GET /clients', (url) =>
      fakePage([clientItem(1), { ...clientItem(2), userName: undefined, id: 'a\u001b[2J' }], url),
    )
    const { stdout } = await run(clients, '')
    expect(stdout).toBe(
      [
        'CLIENT       USER  ADDRESS    LISTENER  MQTT  CONNECTED  SUBS  IN FLIGHT  WAITING  PENDING',
        'client-0001  ann   192.0.2.7  server    5       1 h 2 min     2          0        3   1.5 kB',
        'a\\x1B[2J           192.0.2.7  server    5       1 h 2 min     2          0        3   1.5 kB',
        '2 clients',
        '',
      ]
        .join('\n')
        .replaceAll('5       1 h', '5     1 h'),
    )
  })

  test('all pages, a line of JSON for each client elsewhere', async () => {
    const all = Array.from({ length: 2_500 }, (_, index) => clientItem(index))
    fake.routes.set('GET /clients', (url) => fakePage(all, url))
    const { lines } = await run(clients, '', { isTTY: false })
    expect(lines.length).toBe(2_500)
    expect(JSON.parse(lines[2_499]!)).toMatchObject({ id: 'client-2499', userName: 'ann' })
    expect(fake.requests.map(({ path }) => path)).toEqual([
      '/api/v1/clients?limit=1000',
      '/api/v1/clients?limit=1000&after=1000',
      '/api/v1/clients?limit=1000&after=2000',
    ])
  })

  test('options become parameters, and --limit ends the list', async () => {
    const all = Array.from({ length: 50 }, (_, index) => clientItem(index))
    fake.routes.set('GET /clients', (url) => fakePage(all, url))
    const { stdout } = await run(
      clients,
      'kitchen --user ann --address 192.0.2.7 --sort waiting --descending --limit 7',
    )
    expect(stdout).toContain('7 of 50 clients')
    expect(fake.requests[0]!.path).toBe(
      '/api/v1/clients?q=kitchen&user=ann&address=192.0.2.7&sort=waiting&order=desc&limit=7',
    )
  })
})

test('client: the client and its subscriptions', async () => {
  const session = { subscriptions: [{ filter: 'a/#', qos: 1 }], expiryIntervalSeconds: 4294967295, hasWill: true }
  fake.routes.set('GET /clients/{}', () => ({ ...clientItem(1), session }))
  const { stdout } = await run(client, 'a/b%c')
  expect(stdout).toContain('Address                  192.0.2.7:5123\n')
  expect(stdout).toContain('Session Expiry Interval  never\n')
  expect(stdout).toContain('\nFILTER  QOS\na/#       1\n')
  expect(fake.requests[0]!.path).toBe('/api/v1/clients/a%2Fb%25c')
  expect(JSON.parse((await run(client, 'x --json')).stdout)).toMatchObject({ session })
})

test('disconnect, with a reason, and with a ban', async () => {
  fake.routes.set('DELETE /clients/{}', () => ({ id: 'kitchen' }))
  fake.routes.set('POST /clients/{}/ban', () => ({ address: '192.0.2.7', untilMs: 0 }))
  expect((await run(disconnect, 'kitchen --reason 151')).stdout).toBe('Disconnected  kitchen\n')
  expect((await run(disconnect, 'kitchen --ban 60')).stdout).toContain(
    'Banned        192.0.2.7 until 1970-01-01 00:00:00 UTC',
  )
  expect(fake.requests).toEqual([
    { method: 'DELETE', path: '/api/v1/clients/kitchen?reason=151', body: undefined },
    { method: 'POST', path: '/api/v1/clients/kitchen/ban', body: { seconds: 60 } },
  ])
})

describe('retained', () => {
  const message = { topic: 'a/b', payload: { base64: 'aGk=', text: 'hi', bytes: 2 }, qos: 1 }

  test('a list', async () => {
    const binary = { topic: 'b', payload: { base64: '/w==', bytes: 900, isCut: true }, qos: 0, expiresAtMs: 0 }
    fake.routes.set('GET /retained', (url) => fakePage([message, binary], url))
    const { lines } = await run(retained, 'a/#')
    expect(lines).toEqual([
      'TOPIC  QOS  BYTES  EXPIRES              PAYLOAD',
      'a/b      1    2 B                       hi',
      'b        0  900 B  1970-01-01 00:00:00  base64 /w==…',
      '2 retained messages',
    ])
    expect(fake.requests[0]!.path).toBe('/api/v1/retained?filter=a%2F%23&limit=1000')
  })

  test('the payload of one, and its deletion', async () => {
    fake.routes.set('GET /retained/{}', () => message)
    fake.routes.set('DELETE /retained/{}', () => ({ topic: 'a/b' }))
    expect((await run(retained, 'a/b --payload')).stdout).toBe('hi')
    expect((await run(retained, 'a/b --delete')).stdout).toBe('Deleted  a/b\n')
    expect(fake.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /api/v1/retained/a%2Fb',
      'DELETE /api/v1/retained/a%2Fb',
    ])
  })
})

describe('status', () => {
  const overview = {
    version: '0.1.0',
    nodeVersion: 'v20.0.0',
    uptimeSeconds: 90_061,
    state: 'running',
    ...{ clients: 3, sessions: 4, subscriptions: 5, retained: 6 },
    eventLoop: { p50Ms: 1, p99Ms: 2, maxMs: 3 },
    memory: { rssBytes: 100_000_000, heapUsedBytes: 20_000_000 },
  }
  const listener = { name: 'server', address: '127.0.0.1:1883', transport: 'tcp', connections: 3 }
  const component = { name: 'router', kind: 'Router', state: 'running', blockedBy: [] }

  test('a broker that is ready', async () => {
    fake.routes.set('GET /overview', () => overview)
    fake.routes.set('GET /components', () => ({ items: [component] }))
    fake.routes.set('GET /listeners', () => ({ items: [listener] }))
    const found = await run(status, '')
    expect(await found.code).toBe(0)
    expect(found.stdout).toContain('Running for        1 d 1 h\n')
    expect(found.stdout).toContain('server    127.0.0.1:1883  tcp                  3\n')
    expect(found.stdout).not.toContain('COMPONENT')
    expect((await run(status, '--components')).stdout).toContain('router     Router  running\n')
  })

  test('a component that cannot do its work: exit code 1', async () => {
    fake.routes.set('GET /overview', () => overview)
    fake.routes.set('GET /components', () => ({
      items: [component, { ...component, name: 'store', unready: 'the disk is full' }],
    }))
    fake.routes.set('GET /listeners', () => ({ items: [listener] }))
    const found = await run(status, '')
    expect(await found.code).toBe(1)
    expect(found.stdout).toContain('store      Router  running  the disk is full\n')
    expect(found.stderr).toBe('Not ready: store\n')
  })
})

describe('health', () => {
  test.each([
    ['ready', { ready: true }, 0, 'ready\n'],
    [
      'not ready',
      [503, { ready: false, state: 'starting', components: ['store', 'broker'] }],
      1,
      'not ready, starting: store, broker\n',
    ],
  ])('%s', async (_name, answer, code, text) => {
    fake.routes.set('GET /readyz', () => answer)
    const found = await run(health, '', { token: '' })
    expect(await found.code).toBe(code)
    expect(found.stdout).toBe(text)
  })

  test('a broker that does not answer: 1, not 3', async () => {
    const url = await closedUrl()
    const found = await run(health, `--url ${url}`)
    expect(await found.code).toBe(1)
    expect(found.stderr).toBe(`The broker at ${url} does not answer: connection refused.\n`)
  })
})

describe('log', () => {
  const line = (number: number) => ({
    number,
    timeMs: number * 1000,
    level: 'info',
    component: 'server',
    message: `line ${number}`,
    details: {},
  })

  test('the last lines, and new ones until SIGINT', async () => {
    let last = 2
    fake.routes.set('GET /log', ({ searchParams }) => {
      const after = Number(searchParams.get('after') ?? 0)
      const items = Array.from({ length: last }, (_, index) => line(index + 1)).filter(({ number }) => number > after)
      return { items, next: null, total: last }
    })
    const following = new CommandRun(log, `--follow --url ${fake.url}`, {
      isTTY: true,
      environment: { MQTT_JIG_TOKEN: FAKE_TOKEN },
    })
    await following.prints('line 2')
    last = 3
    await following.prints('line 3')
    following.interrupt()
    expect(await following.code).toBe(0)
    expect(following.lines).toEqual([
      '1970-01-01 00:00:01 INFO  server: line 1',
      '1970-01-01 00:00:02 INFO  server: line 2',
      '1970-01-01 00:00:03 INFO  server: line 3',
    ])
  })

  test('the level', async () => {
    fake.routes.set('GET /log/level', () => ({ level: 'info' }))
    fake.routes.set('PUT /log/level', (_url, body) => body)
    expect((await run(log, 'level')).stdout).toBe('Level  info\n')
    expect((await run(log, 'level debug')).stdout).toBe('Level  debug\n')
    expect(fake.requests[1]).toMatchObject({ method: 'PUT', body: { level: 'debug' } })
  })
})

describe('trace', () => {
  const item = {
    id: '1',
    filter: { clientId: 'kitchen' },
    payloads: true,
    startedAtMs: 0,
    endsAtMs: 60_000,
    isRunning: true,
    lines: 2,
    missed: 4,
  }
  const lines = [
    {
      number: 1,
      timeMs: 1_000,
      text: 'kitchen → PUBLISH topic=a\u001b',
      payload: { base64: 'aGk=', text: 'h\u001bi', isCut: true },
    },
    { number: 2, timeMs: 2_000, text: 'kitchen ← PUBACK' },
  ]

  test('follows until SIGINT, then ends the trace', async () => {
    fake.routes.set('POST /traces', () => item)
    fake.routes.set('GET /traces', () => ({ items: [item] }))
    fake.routes.set('DELETE /traces/{}', () => ({ id: '1' }))
    fake.routes.set('GET /traces/{}/lines', ({ searchParams }) => {
      const items = lines.filter(({ number }) => number > Number(searchParams.get('after')))
      return { items, next: null, total: 2 }
    })
    const following = new CommandRun(trace, `--client kitchen --payloads --seconds 60 --url ${fake.url}`, {
      isTTY: true,
      environment: { MQTT_JIG_TOKEN: FAKE_TOKEN },
    })
    await following.prints('PUBACK')
    following.interrupt()
    expect(await following.code).toBe(0)
    expect(following.lines).toEqual(['00:00:01.000 kitchen → PUBLISH topic=a\\x1B', '00:00:02.000 kitchen ← PUBACK'])
    expect(following.stderr).toContain('4 more packets fitted.')
    expect(fake.requests[0]).toMatchObject({ body: { clientId: 'kitchen', payloads: true, seconds: 60 } })
    expect(fake.requests.at(-1)).toMatchObject({ method: 'DELETE', path: '/api/v1/traces/1' })
  })

  test('ends by itself when its time is over', async () => {
    fake.routes.set('POST /traces', () => ({ ...item, endsAtMs: 20 }))
    fake.routes.set('GET /traces', () => ({ items: [] }))
    fake.routes.set('DELETE /traces/{}', () => ({ id: '1' }))
    fake.routes.set('GET /traces/{}/lines', () => ({ items: [], next: null, total: 0 }))
    expect(await (await run(trace, '--topic a/#')).code).toBe(0)
  })

  test('a trace that another operator ended', async () => {
    fake.routes.set('POST /traces', () => item)
    const found = await run(trace, 'start --user ann')
    expect(await found.code).toBe(0)
    expect(found.stderr).toContain('The trace has ended: The broker refused: There is no such thing.')
  })

  test('list, show, stop, and one in the background', async () => {
    fake.routes.set('GET /traces', () => ({ items: [item] }))
    fake.routes.set('POST /traces', () => item)
    fake.routes.set('DELETE /traces/{}', () => ({ id: '1' }))
    fake.routes.set('GET /traces/{}/lines', ({ searchParams }) => {
      const items = lines.filter(({ number }) => number > Number(searchParams.get('after')))
      return { items, next: null, total: 2 }
    })
    expect((await run(trace, 'list')).lines[1]).toBe(
      '1   running  clientId kitchen  1970-01-01 00:00:00  1970-01-01 00:01:00      2       4',
    )
    expect((await run(trace, 'show 1')).lines.length).toBe(2)
    expect((await run(trace, 'stop 1')).stdout).toBe('Ended  1\n')
    expect((await run(trace, '--address 192.0.2.7 --in-background')).stdout).toContain('Trace  1\n')
  })
})

describe('exit codes', () => {
  const every: readonly (readonly [string, Main, string])[] = [
    ['clients', clients, ''],
    ['client', client, 'x'],
    ['disconnect', disconnect, 'x'],
    ['retained', retained, ''],
    ['status', status, ''],
    ['trace', trace, '--client x'],
    ['log', log, ''],
  ]

  test.each(every)('%s: a wrong token is 4, no such thing 1, no broker 3', async (_name, main, words) => {
    const wrong = await run(main, words, { token: 'wrong-token-0123456789' })
    expect(await wrong.code).toBe(4)
    expect(wrong.stderr).toBe('The broker refused: The token is wrong.\n')
    const unknown = await run(main, words)
    expect(await unknown.code).toBe(1)
    expect(unknown.stderr).toBe('The broker refused: There is no such thing.\n')
    const url = await closedUrl()
    const nowhere = await run(main, `${words} --url ${url}`)
    expect(await nowhere.code).toBe(3)
    expect(nowhere.stderr).toBe(`The broker at ${url} does not answer: connection refused.\n`)
  })

  test('without a token the error says where one comes from', async () => {
    const found = await run(clients, '', { token: '' })
    expect(await found.code).toBe(4)
    expect(found.stderr).toContain('name its file with --token-file, or set MQTT_JIG_TOKEN')
  })

  test('the token of a file; a file without one, and no file', async () => {
    const files = new TestFiles()
    fake.routes.set('GET /clients', (url) => fakePage([], url))
    const good = files.write('token', `${FAKE_TOKEN}\n`)
    expect(await (await run(clients, `--token-file ${good}`, { token: 'other' })).code).toBe(0)
    const empty = await run(clients, `--token-file ${files.write('empty', '\n')}`)
    expect(await empty.code).toBe(4)
    expect(empty.stderr).toContain('holds no token')
    expect(await (await run(clients, `--token-file ${good}.not`)).code).toBe(1)
    files.remove()
  })

  test.each<readonly [string, string, string, Main]>([
    ['clients', '--sort colour', '--sort colour: the fields are id, userName', clients],
    ['clients', 'a b', 'Give one TEXT.', clients],
    ['clients', '--json --table', 'Give one of --json and --table.', clients],
    ['clients', '--url ftp://x', '--url ftp://x: a URL that begins with http:// or https:// is expected.', clients],
    ['client', '', 'Give one Client Identifier.', client],
    ['client', '..', "'..' cannot be asked for by the admin API.", client],
    ['disconnect', 'x --ban 0', '--ban 0: a time above 0 is expected.', disconnect],
    ['retained', 'a/# --delete', 'Give a Topic Name, which holds neither + nor #.', retained],
    ['trace', '', 'Give what to follow: --client, --user, --address or --topic.', trace],
    ['trace', 'show', 'Give one id: trace show ID.', trace],
    ['trace', 'watch', 'trace watch: the actions are start, list, show, stop.', trace],
    ['log', 'level loud', 'The levels are trace, debug', log],
    ['health', 'now', 'health takes no argument.', health],
  ])('%s %s: the command line is wrong', async (_name, words, message, main) => {
    const found = await run(main, words)
    expect(await found.code).toBe(2)
    expect(found.stderr).toContain(message)
    expect(fake.requests).toEqual([])
  })

  test('a redirection is not followed: it would take the token to another server', async () => {
    fake.routes.set('GET /clients', () => [302, {}])
    expect(await (await run(clients, '')).code).toBe(3)
    expect(fake.requests.length).toBe(1)
  })

  test('a server that is another one', async () => {
    const other = createServer((_request, response) => response.end('<html>'))
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const found = await run(clients, `--url http://127.0.0.1:${(other.address() as AddressInfo).port}`)
    expect(await found.code).toBe(1)
    expect(found.stderr).toBe('The answer is no JSON: is this the admin API of mqtt-jig?\n')
    other.close()
  })

  test('a token on its way over a network without TLS: a warning', async () => {
    const { port } = new URL(await closedUrl())
    const found = await run(clients, `--url http://[::ffff:127.0.0.1]:${port}`)
    expect(await found.code).toBe(3)
    expect(found.stderr).toContain(`The token is sent to [::ffff:7f00:1]:${port} without TLS`)
  })
})
