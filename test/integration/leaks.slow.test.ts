/** The dev loop over nearly all components: a reset leaves nothing behind, and what it does leave is told. */

import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CodeLoader } from '../../scripts/go/code-loader.ts'
import type { LeakWatch } from '../../scripts/go/leak-watch.ts'
import { createLoader } from '../../scripts/go/loader.ts'
import { watchLeaks } from '../../scripts/go/watch-leaks.ts'
import { CheckoutCopy } from '../../scripts/resets/checkout-copy.ts'
import { createDev, type Dev } from '../../src/system/dev.ts'
import { RealClient } from '../helpers/mqtt-js.ts'

const checkout = resolve(import.meta.dirname, '../..')

/** Everything is enabled; the bridge and the webhook try in vain, again and again. */
const configSource = (values: object): string => `
import { bridge } from './components/bridge/index.ts'
import { tcp } from './components/tcp/index.ts'
import { unixSocket } from './components/unix-socket/index.ts'
import { webhook } from './components/webhook/index.ts'
import system from './system.config.ts'

const values = ${JSON.stringify(values, undefined, 2)}
const further = {
  bridge: { component: bridge, dependencies: { broker: 'broker', logger: 'logger' } },
  webhook: { component: webhook, dependencies: { broker: 'broker', logger: 'logger' } },
  tcp: { component: tcp, dependencies: { logger: 'logger' } },
  unixSocket: { component: unixSocket, dependencies: { logger: 'logger' } },
}
const all = Object.entries({ ...system, ...further })
export default Object.fromEntries(
  all.map(([name, entry]) => [name, { ...entry, enabled: true, config: { ...entry.config, ...values[name] } }]),
)
`

const folders: Readonly<Record<string, string>> = {
  broker: 'broker',
  mqttHandler: 'mqtt-handler',
  store: 'store-lmdb',
  server: 'server',
  webSocket: 'web-socket',
  httpServer: 'http-server',
  logger: 'logger',
  tracer: 'tracer',
  bridge: 'bridge',
  webhook: 'webhook',
  unixSocket: 'unix-socket',
}

let copy: CheckoutCopy
let loader: CodeLoader
let dev: Dev
let leaks: LeakWatch
let printed: string[]

beforeAll(async () => {
  copy = await CheckoutCopy.make(checkout, 'lmdb')
  const open = { port: 0, allowAnonymous: true }
  const tls = copy.values['tls']
  const values = {
    logger: { level: 'error', destination: 'broker.log' },
    store: { path: 'data' },
    passwordFile: { path: 'passwords' },
    tls: { ...open, cert: tls?.['cert'], key: tls?.['key'] },
    webSocket: open,
    tcp: open,
    unixSocket: { path: 'socket', allowAnonymous: true },
    httpServer: { port: 0 },
    admin: { tokenFile: 'admin-token' },
    server: open,
    bridge: { servers: ['mqtt://127.0.0.1:1'], topics: [{ filter: '#', direction: 'both' }], minimumRetryMs: 10 },
    webhook: { url: 'http://127.0.0.1:1/' },
    topicRules: { rules: [{ action: 'all', filter: '#', allow: true }] },
  }
  // Paths are relative to the working directory.
  for (const each of [values.store, values.passwordFile, values.unixSocket]) each.path = join(copy.root, each.path)
  values.logger.destination = join(copy.root, values.logger.destination)
  values.admin.tokenFile = join(copy.root, values.admin.tokenFile)
  writeFileSync(values.passwordFile.path, '')
  copy.write('leaks.config.ts', configSource(values))
  const file = join(copy.root, 'leaks.config.ts')
  loader = (await createLoader(file)).loader
  printed = []
  leaks = watchLeaks(loader, file, (text) => printed.push(text))!
  dev = createDev({ load: loader.load, scope: leaks })
  await dev.go()
}, 120_000)

afterAll(async () => {
  await dev?.close()
  leaks?.close()
  await loader?.close()
  copy?.remove()
})

const part = (name: string) => (dev.state.system!.map as Readonly<Record<string, { readonly port: number }>>)[name]!

/** Clients of two listeners that exchange a message, and a request to the dashboard. */
const traffic = async (): Promise<() => Promise<void>> => {
  const clients = [
    await RealClient.connect(part('server').port, 5),
    await RealClient.connect(part('tcp').port, 4, { clean: false, clientId: 'stays' }),
  ]
  for (const { mqtt } of clients) await mqtt.subscribeAsync('leaks/#', { qos: 1 })
  await clients[0]!.mqtt.publishAsync('leaks/a', 'x', { qos: 2, retain: true })
  await (await fetch(`http://127.0.0.1:${part('httpServer').port}/metrics`)).text()
  return async () => {
    for (const { mqtt } of clients) await mqtt.endAsync(true)
  }
}

const edit = (file: string, change: (text: string) => string): void => copy.write(file, change(copy.read(file)))

test.each(Object.entries(folders))(
  'an edit of %s leaves nothing behind',
  async (name, folder) => {
    const end = await traffic()
    edit(`components/${folder}/index.ts`, (text) => `${text}\nexport const edited = '${name}'\n`)
    const { reset } = await dev.reset()
    expect(reset?.parts.find((each) => each.name === name)?.verdict).toMatch(/^(swap|restart)$/)
    await leaks.settled()
    expect(printed).toEqual([])
    await end()
  },
  60_000,
)

test('a stop that forgets a timer is told with its place', async () => {
  const file = 'components/sys-topics/sys-topics.ts'
  edit(file, (text) => text.replaceAll('clearInterval(this.#timer)', 'void this.#timer'))
  await dev.reset()
  await leaks.settled()
  expect(printed).toEqual([])
  edit(file, (text) => `${text}\nexport const edited = 1\n`)
  await dev.reset()
  await leaks.settled()
  // The line is that of the source in the program itself: see dev-loop.slow.test.ts.
  expect(printed.map((text) => text.replace(/\.jig\/[^/]*\/|:\d+$/g, ''))).toEqual([
    `sysTopics left a timer (10,000 ms), ${file}`,
  ])
  printed.length = 0
}, 60_000)

test('a stop of everything leaves nothing else behind', async () => {
  const end = await traffic()
  await end()
  await dev.stop()
  await leaks.settled()
  // Its code may have been edited above.
  expect(printed.filter((text) => !text.startsWith('sysTopics '))).toEqual([])
}, 60_000)
