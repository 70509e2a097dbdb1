import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
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
afterEach(async () => {
  vi.restoreAllMocks()
  await fake.stop()
})

type Main = typeof clients

const begin = (main: Main, words: string, isTTY = true): CommandRun =>
  new CommandRun(main, words, {
    isTTY,
    environment: { MQTT_JIG_ADMIN_URL: fake.url, MQTT_JIG_TOKEN: FAKE_TOKEN },
  })

const run = async (main: Main, words: string, isTTY = true): Promise<CommandRun> => {
  const started = begin(main, words, isTTY)
  await started.code
  return started
}

const item = {
  ...{ id: 'kitchen', address: '192.0.2.7', listener: 'server', transport: 'tcp', protocolVersion: 5 },
  ...{ connectedAtMs: 0, keepAliveSeconds: 0, pendingBytes: 0, bytesReceived: 0 },
  ...{ subscriptions: 0, inflight: 0, waiting: 0 },
}

describe('text of others', () => {
  // The text of an attacker that reads "admin" where it says "nimda".
  const id = 'a\u202enimda\u2069\u200f\u061c'

  test('cannot turn the letters of a terminal, in a table, in a list of values and in an error', async () => {
    fake.routes.set('GET /clients', (url) => fakePage([{ ...item, id }], url))
    fake.routes.set('GET /clients/{}', () => ({ ...item, id, session: { subscriptions: [] } }))
    fake.routes.set('DELETE /clients/{}', () => [404, { error: `There is no client ${id}.` }])
    const shown = 'a\\u202Enimda\\u2069\\u200F\\u061C'
    expect((await run(clients, '')).lines[1]).toContain(`${shown}  `)
    expect((await run(client, 'x')).lines[0]).toBe(`Client                   ${shown}`)
    expect((await run(disconnect, 'x')).stderr).toBe(`The broker refused: There is no client ${shown}.\n`)
  })

  test('is escaped in JSON, which keeps its value', async () => {
    fake.routes.set('GET /clients', (url) => fakePage([{ ...item, id }], url))
    fake.routes.set('GET /log', (url) => fakePage([{ number: 1, timeMs: 0, level: 'info', message: id }], url))
    for (const main of [clients, log]) {
      const { stdout } = await run(main, '--json')
      expect(stdout).toContain('\\u202enimda\\u2069\\u200f\\u061c')
      expect(stdout).not.toContain('\u202e')
      expect(JSON.stringify(JSON.parse(stdout))).toContain(id)
    }
  })

  test('a payload: shown in a terminal, as it is elsewhere', async () => {
    const payload = { base64: Buffer.from('a\u001b[2J\n\u202eb').toString('base64'), bytes: 2_000_000, isCut: true }
    fake.routes.set('GET /retained/{}', () => ({ topic: 'a', payload, qos: 0 }))
    expect((await run(retained, 'a --payload')).stdout).toBe('a\\x1B[2J\n\\u202Eb')
    const elsewhere = await run(retained, 'a --payload', false)
    expect(elsewhere.stdout).toBe('a\u001b[2J\n\u202eb')
    expect(elsewhere.stderr).toBe('The payload has 2000000 bytes: the rest is left out.\n')
    expect(JSON.parse((await run(retained, 'a --payload --json')).stdout)).toMatchObject({ topic: 'a', payload })
  })
})

describe('answers', () => {
  test('a client without a port and without Keep Alive, of a version that is not known here', async () => {
    fake.routes.set('GET /clients', (url) => fakePage([{ ...item, protocolVersion: 6 }], url))
    fake.routes.set('GET /clients/{}', () => ({ ...item, protocolVersion: 6, session: { subscriptions: [] } }))
    expect((await run(clients, '')).lines[1]).toMatch(/^kitchen +192\.0\.2\.7 +server +6 /)
    const { stdout } = await run(client, 'kitchen')
    expect(stdout).toMatch(/^Address {18}192\.0\.2\.7$/m)
    expect(stdout).toMatch(/^MQTT {21}6$/m)
    expect(stdout).toMatch(/^Keep Alive {15}none$/m)
  })

  test('a value that is long is cut in a table, and whole in JSON', async () => {
    const id = 'x'.repeat(100)
    fake.routes.set('GET /clients', (url) => fakePage([{ ...item, id }], url))
    expect((await run(clients, '')).lines[1]).toMatch(/^x{59}… /)
    expect((await run(clients, '--json')).stdout).toContain(id)
  })

  test('a list that takes long says in the terminal how far it is', async () => {
    let now = 0
    vi.spyOn(performance, 'now').mockImplementation(() => (now += 2_000))
    fake.routes.set('GET /clients', (url) => fakePage(Array(1_500).fill(item), url))
    const { stderr } = await run(clients, '')
    expect(stderr).toContain('1000 of 1500 clients')
    expect(stderr.endsWith('\r\u001b[K')).toBe(true)
  })

  test('a broker that drains has no component that is not ready: its state is the reason', async () => {
    const overview = {
      ...{ version: '0.1.0', nodeVersion: 'v20.0.0', uptimeSeconds: 3_600, state: 'stopping' },
      ...{ clients: 0, sessions: 0, subscriptions: 0, retained: 0 },
      ...{ eventLoop: { p50Ms: 1, p99Ms: 2, maxMs: 3 }, memory: { rssBytes: 1, heapUsedBytes: 1 } },
    }
    const listener = { name: 'tls', address: '127.0.0.1:8883', transport: 'tls', connections: 0, certificateDays: 12 }
    fake.routes.set('GET /overview', () => overview)
    fake.routes.set('GET /components', () => ({ items: [] }))
    fake.routes.set('GET /listeners', () => ({ items: [listener] }))
    const found = await run(status, '')
    expect(await found.code).toBe(1)
    expect(found.stderr).toBe('Not ready: stopping\n')
    expect(found.stdout).toMatch(/^Running for +1 h$/m)
    expect(found.stdout).toMatch(/^tls +127\.0\.0\.1:8883 +tls +0 +12 d$/m)
  })

  test.each([
    ['of a broker', { ready: false, components: ['store'] }, 'not ready: store\n'],
    ['without components', { state: 'starting', components: [] }, 'not ready, starting\n'],
    ['that is empty', null, 'not ready\n'],
  ])('health: an answer %s', async (_name, body, text) => {
    fake.routes.set('GET /readyz', () => [503, body])
    const found = await run(health, '')
    expect(await found.code).toBe(1)
    expect(found.stdout).toBe(text)
  })
})

describe('log --follow', () => {
  const line = (number: number) => ({ number, timeMs: 0, level: 'warn', message: `line ${number}` })

  test('reads pages without a pause, and begins again with a broker that was started again', async () => {
    const pages = [
      { items: [], next: '5', total: 5 },
      { items: [line(6)], next: '6', total: 7 },
      { items: [line(7)], next: '7', total: 7 },
      // It counts from 1 again.
      { items: [], next: '7', total: 1 },
    ]
    const afters: (string | null)[] = []
    fake.routes.set('GET /log', ({ searchParams }) => {
      afters.push(searchParams.get('after'))
      return pages.shift() ?? { items: [line(1)], next: null, total: 1 }
    })
    const following = begin(log, '--follow')
    await following.prints('line 1')
    following.interrupt()
    expect(await following.code).toBe(0)
    // A line without a component is of the program.
    expect(following.lines).toEqual([6, 7, 1].map((number) => `1970-01-01 00:00:00 WARN  line ${number}`))
    expect(afters).toEqual([null, '5', '6', '7', '0'])
  })

  test('ends at once at SIGINT while it waits for the broker', async () => {
    let following: CommandRun | undefined
    fake.routes.set('GET /log', () => {
      following?.interrupt()
      return { items: [line(1)], next: null, total: 1 }
    })
    following = begin(log, '--follow')
    expect(await following.code).toBe(0)
    expect(following.lines.length).toBe(1)
  })
})

describe('trace', () => {
  const running = {
    ...{ id: '1', filter: { topic: 'a' }, payloads: false, startedAtMs: 0, endsAtMs: 60_000 },
    ...{ isRunning: true, lines: 0, missed: 0 },
  }

  test('list: those that have ended, and JSON', async () => {
    fake.routes.set('GET /traces', () => ({ items: [running, { ...running, id: '2', isRunning: false }] }))
    expect((await run(trace, 'list')).lines.slice(1)).toEqual([
      expect.stringMatching(/^1 +running +topic a/),
      expect.stringMatching(/^2 +ended +topic a/),
    ])
    const { lines } = await run(trace, 'list', false)
    expect(lines.map((text) => (JSON.parse(text) as { id: string }).id)).toEqual(['1', '2'])
  })

  test('SIGINT during a request: the trace is ended all the same', async () => {
    let following: CommandRun | undefined
    fake.routes.set('POST /traces', () => {
      following!.interrupt()
      return running
    })
    fake.routes.set('GET /traces', () => ({ items: [] }))
    fake.routes.set('GET /traces/{}/lines', () => {
      following!.interrupt()
      return { items: [], next: null, total: 0 }
    })
    fake.routes.set('DELETE /traces/{}', () => ({ id: '1' }))
    following = begin(trace, '--topic a')
    expect(await following.code).toBe(0)
    expect(fake.requests.at(-1)).toMatchObject({ method: 'DELETE', path: '/api/v1/traces/1' })
  })

  test('a token that is withdrawn while it follows: exit code 4', async () => {
    fake.routes.set('POST /traces', () => running)
    fake.routes.set('GET /traces/{}/lines', () => [401, { error: 'The token is wrong.' }])
    const found = await run(trace, '--topic a')
    expect(await found.code).toBe(4)
    expect(found.stderr).toContain('The broker refused: The token is wrong.')
  })
})

describe('exit codes', () => {
  test.each<readonly [string, string, string, Main]>([
    ['clients', '--url nonsense', '--url nonsense: a URL that begins with http:// or https:// is expected.', clients],
    ['disconnect', '', 'Give one Client Identifier.', disconnect],
    ['disconnect', 'a b', 'Give one Client Identifier.', disconnect],
    ['disconnect', 'a --reason 151 --ban 60', 'Give one of --reason and --ban.', disconnect],
    ['retained', 'a b', 'Give one Topic Filter.', retained],
    ['retained', 'a --payload --delete', 'Give one of --payload and --delete.', retained],
    ['status', 'now', 'status takes no argument.', status],
    ['trace', 'list 1', 'trace list takes no argument.', trace],
    ['log', 'all', 'Give nothing, level, or level LEVEL.', log],
    ['log', 'level info warn', 'Give nothing, level, or level LEVEL.', log],
    ['health', '--url nonsense', '--url nonsense: a URL', health],
  ])('%s %s: the command line is wrong', async (_name, words, message, main) => {
    const found = await run(main, words)
    expect(await found.code).toBe(2)
    expect(found.stderr).toContain(message)
    expect(fake.requests).toEqual([])
  })

  test('a proxy in front that refuses in words of its own: its status', async () => {
    const proxy = createServer((_request, response) => response.writeHead(502).end('<html>Bad Gateway'))
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    const found = await run(clients, `--url http://127.0.0.1:${(proxy.address() as AddressInfo).port}`)
    expect(await found.code).toBe(1)
    expect(found.stderr).toBe('The broker refused: HTTP status 502\n')
    proxy.close()
  })

  test('a broker that accepts the connection and does not answer in time: exit code 3', async () => {
    const silent = createServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const found = await run(clients, `--url ${url} --timeout 0.02`)
    expect(await found.code).toBe(3)
    expect(found.stderr).toBe(`The broker at ${url} does not answer: no answer in time.\n`)
    silent.closeAllConnections()
    silent.close()
  })

  test.each([
    ['with words', { code: 'ENETUNREACH', message: 'connect ENETUNREACH' }, 'connect ENETUNREACH'],
    ['with a code alone', { code: 'ENETUNREACH', message: '' }, 'ENETUNREACH'],
    ['without a cause', undefined, 'fetch failed'],
  ])('a network error %s: exit code 3', async (_name, cause, reason) => {
    vi.spyOn(globalThis, 'fetch').mockRejectedValue(new TypeError('fetch failed', { cause }))
    const found = await run(clients, '')
    expect(await found.code).toBe(3)
    expect(found.stderr).toBe(`The broker at ${fake.url} does not answer: ${reason}.\n`)
  })

  test('the token file of this folder is read if none is named', async () => {
    fake.routes.set('GET /clients', (url) => fakePage([], url))
    const files = new TestFiles()
    files.write('admin-token', `${FAKE_TOKEN}\n`)
    const before = process.cwd()
    process.chdir(files.folder)
    try {
      const found = new CommandRun(clients, '', { isTTY: true, environment: { MQTT_JIG_ADMIN_URL: fake.url } })
      expect(await found.code).toBe(0)
      expect(found.stdout).toContain('0 clients')
    } finally {
      process.chdir(before)
      files.remove()
    }
  })
})
