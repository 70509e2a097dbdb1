import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { tls } from '../../components/tls/index.ts'
import { unixSocket } from '../../components/unix-socket/index.ts'
import { webSocket } from '../../components/web-socket/index.ts'
import { main as pub } from '../../src/cli/pub.ts'
import { main as sub } from '../../src/cli/sub.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { TestAuthority, TestFiles, testCertificates } from '../helpers/certificates.ts'
import { CommandRun } from '../helpers/command-run.ts'
import { CuttableProxy } from '../helpers/cuttable-proxy.ts'
import { eventually } from '../helpers/eventually.ts'
import { quietSystem } from '../helpers/start-broker.ts'

interface Ports {
  readonly server: { readonly port: number }
  readonly tls: { readonly port: number }
  readonly webSocket: { readonly port: number }
  readonly secureWebSocket: { readonly port: number }
  readonly broker: {
    client(id: string): object | undefined
    session(id: string): { readonly subscriptions: readonly object[] } | undefined
  }
}

let files: TestFiles
let system: { readonly map: object; start(): Promise<unknown>; stop(): Promise<unknown> }
let map: Ports
let ca: string
let socketPath: string
const subscribers: CommandRun[] = []

beforeAll(async () => {
  const { authority, server } = await testCertificates()
  files = new TestFiles()
  ca = files.write('ca.pem', authority.cert)
  socketPath = join(files.folder, 'socket')
  const pair = files.pair('server', server)
  const dependencies = { logger: 'logger' }
  system = createSystem({
    ...quietSystem,
    mqttDecoder: { ...quietSystem.mqttDecoder, config: { maximumPacketSize: 1024 ** 2 } },
    tls: { component: tls, config: { port: 0, ...pair }, dependencies },
    webSocket: { component: webSocket, config: { port: 0 }, dependencies },
    secureWebSocket: { component: webSocket, config: { port: 0, tls: pair }, dependencies },
    unixSocket: { component: unixSocket, config: { path: socketPath }, dependencies },
  })
  await system.start()
  map = system.map as unknown as Ports
})
afterEach(async () => {
  for (const subscriber of subscribers.splice(0)) {
    subscriber.interrupt()
    await subscriber.code
  }
})
afterAll(async () => {
  await system.stop()
  files.remove()
})

const address = (port = map.server.port): string => `-h 127.0.0.1 -p ${port}`

/** Starts `sub` and waits for its subscription. */
const subscribe = async (options: string, { isTTY = false, at = address() } = {}): Promise<CommandRun> => {
  const id = `sub-${subscribers.length}-${Math.random().toString(36).slice(2)}`
  const run = new CommandRun(sub, `${at} -i ${id} -t ready/${id} ${options}`, { isTTY })
  subscribers.push(run)
  await eventually(async () => {
    const trial = new CommandRun(pub, `${address()} -t ready/${id} -m ready`)
    await trial.code
    if (!run.stdout.includes('ready')) throw new Error(`not subscribed: ${run.stderr}`)
  })
  return run
}

/** The lines without those that `subscribe` looked for. */
const messages = (run: CommandRun): readonly string[] => run.lines.filter((line) => !line.includes('ready'))

const publish = async (args: string | readonly string[], stdin?: string | Buffer): Promise<number> => {
  const run = new CommandRun(
    pub,
    typeof args === 'string' ? `${address()} ${args}` : [...address().split(' '), ...args],
    {
      ...(stdin === undefined ? {} : { stdin }),
    },
  )
  const code = await run.code
  expect(run.stderr).toBe('')
  return code
}

describe.each(['31', '311', '5'])('version %s', (version) => {
  test.each(['0', '1', '2'])('a message at QoS %s arrives once', async (qos) => {
    const run = await subscribe(`-t v/${version} -q 2 -F [%t|%q|%r|%p] -V ${version}`)
    expect(await publish(['-t', `v/${version}`, '-m', `at ${qos}`, '-q', qos, '-V', version])).toBe(0)
    await publish(`-t v/${version} -m end`)
    await run.prints('|end]')
    expect(messages(run)).toEqual([`[v/${version}|${qos}|0|at ${qos}]`, `[v/${version}|0|0|end]`])
  })
})

test('each line of the standard input is a message, and more than Receive Maximum are sent', async () => {
  const run = await subscribe('-t lines -q 1')
  const lines = Array.from({ length: 300 }, (_, index) => `line ${index}`)
  expect(await publish('-t lines -l -q 1 -M 7', `${lines.join('\n')}\n`)).toBe(0)
  await run.prints('line 299')
  expect(messages(run)).toEqual(lines)
})

test('the standard input as a whole, an empty message, and a message that begins with a dash', async () => {
  const run = await subscribe('-t whole -F %l:%p')
  expect(await publish('-t whole -s', 'a\nb')).toBe(0)
  expect(await publish('-t whole -n')).toBe(0)
  expect(await publish('-t whole -m -5')).toBe(0)
  await run.prints('2:-5')
  expect(messages(run)).toEqual(['3:a', 'b', '0:', '2:-5'])
})

test('a file is streamed, byte for byte, at every QoS', async () => {
  const content = Buffer.alloc(700_000, 'streamed')
  const file = join(files.folder, 'payload')
  writeFileSync(file, content)
  for (const qos of ['0', '1', '2']) {
    const run = new CommandRun(sub, `${address()} -t file/${qos} -q 2 -C 1 -N -i file-${qos}`)
    await eventually(() => expect(map.broker.session(`file-${qos}`)).toBeDefined())
    await publish(`-t file/${qos} -f ${file} -q ${qos} -r`)
    expect(await run.code).toBe(0)
    expect(run.bytes.equals(content)).toBe(true)
  }
})

test('a file that is larger than the broker accepts is not sent', async () => {
  const file = join(files.folder, 'large')
  writeFileSync(file, Buffer.alloc(2 * 1024 ** 2))
  const run = new CommandRun(pub, `${address()} -t large -f ${file}`)
  expect(await run.code).toBe(25)
  expect(run.stderr).toMatch(/^The packet has 2097\d+ bytes\. The broker takes 1048576\.\n$/)
})

test('retained messages: with them, without them, and them alone', async () => {
  await publish('-t keep/a -m old -r')
  const all = await subscribe('-t keep/# -F %p%r')
  const fresh = await subscribe('-t keep/# -R')
  const only = new CommandRun(sub, `${address()} -t keep/# --retained-only`)
  await only.prints('old')
  await publish('-t keep/b -m new')
  expect(await only.code).toBe(0)
  await all.prints('new')
  await fresh.prints('new')
  expect(messages(all)).toEqual(['old1', 'new0'])
  expect(messages(fresh)).toEqual(['new'])
  expect(only.lines).toEqual(['old'])
  expect(await publish('-t keep/a -n -r')).toBe(0)
})

test('JSON has the properties, and payloads that are no text in Base64', async () => {
  const run = await subscribe('-t json --json -q 1')
  const properties = '-D publish user-property k 1 -D publish user-property k 2 -D publish content-type text/plain'
  expect(await publish(`-t json -m text -q 1 ${properties} -D publish correlation-data id`)).toBe(0)
  expect(await publish('-t json -s', Buffer.from([0xff, 0x00]))).toBe(0)
  await run.prints('payloadBase64')
  const [first, second] = messages(run).map((line) => JSON.parse(line) as object)
  expect(first).toMatchObject({
    topic: 'json',
    payload: 'text',
    qos: 1,
    retain: false,
    properties: { 'user-properties': { k: ['1', '2'] }, 'content-type': 'text/plain', 'correlation-data': 'id' },
  })
  expect(second).toMatchObject({ payloadBase64: '/wA=', qos: 0, properties: {} })
})

test('--count ends after so many messages, --timeout after a time, --exit-after-subscribe at once', async () => {
  const counted = new CommandRun(sub, `${address()} -t count -C 2 -i counting`)
  await eventually(async () => {
    await publish('-t count -m one')
    expect(counted.lines.length).toBe(2)
  })
  expect(await counted.code).toBe(0)
  expect(await new CommandRun(sub, `${address()} -t none -W 0.05`).code).toBe(27)
  expect(await new CommandRun(sub, `${address()} -t none -E`).code).toBe(0)
})

test('SIGINT ends sub with DISCONNECT, and the session with it', async () => {
  const run = new CommandRun(sub, `${address()} -t x -i interrupted`)
  // It has its CONNACK then: before, there is nothing to which DISCONNECT could be sent.
  await eventually(() => expect(map.broker.session('interrupted')?.subscriptions).toHaveLength(1))
  run.interrupt()
  expect(await run.code).toBe(0)
  await eventually(() => expect(map.broker.session('interrupted')).toBeUndefined())
})

test('SIGINT ends pub: what was read is acknowledged, the rest is not published', async () => {
  const received = await subscribe('-t cut -q 1')
  const run = new CommandRun(pub, `${address()} -t cut -l -q 1`)
  run.stdin.write('one\n')
  await received.prints('one')
  run.interrupt()
  expect(await run.code).toBe(130)
  expect(messages(received)).toEqual(['one'])
})

test('a session that is kept gets the messages that came meanwhile', async () => {
  const options = `${address()} -t meanwhile -q 1 -c -i kept`
  expect(await new CommandRun(sub, `${options} -E`).code).toBe(0)
  await publish('-t meanwhile -m waited -q 1')
  const run = new CommandRun(sub, `${options} -C 1`)
  expect(await run.code).toBe(0)
  expect(run.lines).toEqual(['waited'])
})

test('the Will is published when the process is killed, not when it ends', async () => {
  const run = await subscribe('-t will/# -v')
  const will = '--will-topic will/a --will-payload gone --will-qos 1'
  expect(await new CommandRun(sub, `${address()} -t x -E ${will}`).code).toBe(0)
  const proxy = await CuttableProxy.start(map.server.port)
  const dying = new CommandRun(sub, `${address(proxy.port)} -t x -i dying --no-reconnect -x 0 ${will}`)
  await eventually(() => expect(map.broker.client('dying')).toBeDefined())
  proxy.cut()
  expect(await dying.code).toBe(7)
  await run.prints('will/a gone')
  expect(messages(run)).toEqual(['will/a gone'])
  await proxy.stop()
})

test('control characters of others are shown in a terminal, and passed on to a file', async () => {
  const terminal = await subscribe('-t control -v', { isTTY: true })
  const file = await subscribe('-t control')
  await publish(['-t', 'control', '-m', 'a\u001b[2Jb\tc'])
  await terminal.prints('control a')
  await file.prints('b\tc')
  expect(messages(terminal)).toEqual(['control a\\x1B[2Jb\tc'])
  expect(messages(file)).toEqual(['a\u001b[2Jb\tc'])
})

describe('transports', () => {
  const cases = (): Record<string, string> => ({
    tls: `-h localhost -p ${map.tls.port} --cafile ${ca}`,
    'tls without a check': `-h localhost -p ${map.tls.port} --insecure`,
    mqtts: `-L mqtts://127.0.0.1:${map.tls.port} --cafile ${ca}`,
    ws: `-L ws://127.0.0.1:${map.webSocket.port}/mqtt`,
    wss: `-L wss://localhost:${map.secureWebSocket.port}/mqtt --cafile ${ca}`,
    unix: `--unix ${socketPath}`,
    'unix URL': `-L unix://${socketPath}`,
    mqtt: `-L mqtt://127.0.0.1:${map.server.port}`,
  })

  test.each(['tls', 'tls without a check', 'mqtts', 'ws', 'wss', 'unix', 'unix URL', 'mqtt'])('%s', async (name) => {
    const at = cases()[name]!
    const run = await subscribe('-t over -q 2', { at })
    const content = 'x'.repeat(200_000)
    expect(await new CommandRun(pub, `${at} -t over -q 2 -m ${content}`).code).toBe(0)
    await run.prints(content)
  })

  test('a broker whose certificate another authority signed is refused', async () => {
    const other = await TestAuthority.create('CN=Other')
    const run = new CommandRun(
      pub,
      `-h localhost -p ${map.tls.port} --cafile ${files.write('other.pem', other.cert)} -t a -m b`,
    )
    expect(await run.code).toBe(8)
    expect(run.stderr).toContain('TLS with localhost:')
  })

  test('a topic may stand in the URL', async () => {
    const run = await subscribe('-t in/url')
    expect(await new CommandRun(pub, `-L mqtt://127.0.0.1:${map.server.port}/in/url -m there`).code).toBe(0)
    await run.prints('there')
  })
})

describe('a connection that is lost', () => {
  test('sub connects again, and gets the messages of QoS 2 once', async () => {
    const proxy = await CuttableProxy.start(map.server.port)
    const run = await subscribe('-t again -q 2', { at: address(proxy.port) })
    await publish('-t again -m before -q 2')
    await run.prints('before')
    proxy.cut()
    await publish('-t again -m meanwhile -q 2')
    await run.prints('meanwhile')
    expect(messages(run)).toEqual(['before', 'meanwhile'])
    expect(run.stderr).toContain('Connected again; the session was kept.')
    await proxy.stop()
  })

  test.each(['4', '5', '7'])(
    'pub sends again what was not acknowledged: QoS 2 through cuts at packet type %s',
    async (type) => {
      const received = await subscribe(`-t cut/${type} -q 2`)
      const proxy = await CuttableProxy.start(map.server.port)
      let cuts = 0
      // The answer of this type is lost three times.
      proxy.onAnswer = (chunk) => {
        if (chunk.toString('hex')[0] !== type || cuts >= 3) return true
        cuts += 1
        return false
      }
      const qos = type === '4' ? '1' : '2'
      const lines = Array.from({ length: 50 }, (_, index) => `message ${index}`)
      const run = new CommandRun(pub, `${address(proxy.port)} -t cut/${type} -l -q ${qos}`, { stdin: lines.join('\n') })
      expect(await run.code).toBe(0)
      expect(cuts).toBe(3)
      expect(proxy.connections).toBe(4)
      await received.prints('message 49')
      if (qos === '2') expect(messages(received)).toEqual(lines)
      else expect([...new Set(messages(received))]).toEqual(lines)
      await proxy.stop()
    },
  )

  test.each(['3', '6'])('sub gets each message at QoS 2 once through cuts at packet type %s', async (type) => {
    const proxy = await CuttableProxy.start(map.server.port)
    const run = await subscribe(`-t once/${type} -q 2`, { at: address(proxy.port) })
    let cuts = 0
    let isArmed = false
    proxy.onAnswer = (chunk) => {
      if (chunk.toString('hex')[0] !== type || !isArmed) return true
      isArmed = false
      cuts += 1
      return false
    }
    const lines = Array.from({ length: 30 }, (_, index) => `message ${index}`)
    for (const first of [0, 10, 20]) {
      isArmed = true
      await publish(`-t once/${type} -l -q 2`, lines.slice(first, first + 10).join('\n'))
      await run.prints(`message ${first + 9}`)
      await eventually(() => expect(isArmed).toBe(false))
    }
    expect(cuts).toBe(3)
    expect(messages(run)).toEqual(lines)
    await proxy.stop()
  })

  test('sub subscribes again when the session was lost', async () => {
    const proxy = await CuttableProxy.start(map.server.port)
    const run = await subscribe('-t anew -V 311', { at: address(proxy.port) })
    proxy.cut()
    await run.prints('Connected again; the session was lost.')
    await eventually(async () => {
      await publish('-t anew -m after')
      expect(messages(run)).toContain('after')
    })
    await proxy.stop()
  })

  test('--no-reconnect ends with the exit code of a lost connection', async () => {
    const proxy = await CuttableProxy.start(map.server.port)
    const run = await subscribe('-t x --no-reconnect', { at: address(proxy.port) })
    proxy.cut()
    expect(await run.code).toBe(7)
    await proxy.stop()
  })
})
