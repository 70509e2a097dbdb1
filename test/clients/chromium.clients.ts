/** MQTT.js in a real browser, over `ws` and `wss`, with the default settings of `web-socket`. */

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { browserPath, describeClient, requirements } from './requirements.ts'
import { SecuredBroker, USER } from './secured-broker.ts'

const LIBRARY = join(dirname(createRequire(import.meta.url).resolve('mqtt/package.json')), 'dist/mqtt.min.js')

/** In the page: publishes to itself at each QoS. @returns what arrived, or why the connection failed. */
const SCRIPT = `
  const roundTrip = (url, options, topic) => new Promise((done) => {
    const client = mqtt.connect(url, { reconnectPeriod: 0, ...options })
    const received = []
    const finish = (result) => { client.end(true); done(result) }
    client.on('message', (name, payload, { qos }) => {
      received.push(name + ' ' + qos + ' ' + payload.toString().length)
      if (received.length === 3) finish(received.sort())
    })
    client.on('error', (error) => finish('refused: ' + error.message))
    client.on('close', () => finish('closed'))
    client.on('connect', () => client.subscribe(topic, { qos: 2 }, () => {
      for (const qos of [0, 1, 2]) client.publish(topic, 'x'.repeat(100_000 * qos + 1), { qos })
    }))
  })
`

let broker: SecuredBroker
let server: Server
let browser: Browser
const pages: Page[] = []

/** A page of this host. */
const openPage = async (host: string): Promise<Page> => {
  const context = await browser.newContext({ ignoreHTTPSErrors: true })
  context.setDefaultTimeout(300_000)
  const page = await context.newPage()
  pages.push(page)
  await page.goto(`http://${host}:${(server.address() as AddressInfo).port}/`)
  return page
}

const roundTrip = (page: Page, url: string, options: object, topic: string): Promise<unknown> =>
  page.evaluate(`roundTrip(${JSON.stringify(url)}, ${JSON.stringify(options)}, ${JSON.stringify(topic)})`)

describeClient('MQTT.js in Chromium', [requirements.browser], () => {
  beforeAll(async () => {
    broker = await SecuredBroker.start()
    const html = '<!doctype html><title>MQTT</title><script src="/mqtt.js"></script><script src="/script.js"></script>'
    const files: Record<string, string> = { '/': html, '/mqtt.js': readFileSync(LIBRARY, 'utf8'), '/script.js': SCRIPT }
    server = createServer(({ url }, response) => {
      const type = url === '/' ? 'text/html' : 'text/javascript'
      response.writeHead(files[url!] === undefined ? 404 : 200, { 'content-type': type }).end(files[url!])
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    // The sandbox of Chromium does not work for root, nor in most containers. The page is this test's own.
    browser = await chromium.launch({ executablePath: browserPath()!, chromiumSandbox: false, timeout: 300_000 })
  })
  afterEach(() => Promise.all(pages.splice(0).map((page) => page.context().close())))
  afterAll(async () => {
    await browser?.close()
    server?.close()
    await broker?.stop()
  })

  const cases = (['ws', 'wss'] as const).flatMap((listener) =>
    ([4, 5] as const).map((version) => [listener, version] as const),
  )
  test.each(cases)('publishes and receives over %s, version %s', async (listener, version) => {
    const topic = `clients/chromium/${listener}/${version}`
    const clientId = `chromium-${listener}-${version}`
    const options = { username: USER.name, password: USER.password, protocolVersion: version, clientId }
    const received = await roundTrip(await openPage('127.0.0.1'), broker.url(listener), options, topic)
    expect(received).toEqual([`${topic} 0 1`, `${topic} 1 100001`, `${topic} 2 200001`])
    expect(broker.linesAbout(clientId)[0]).toContain(`user ${USER.name}`)
  })

  test('is told that the password is wrong', async () => {
    const options = { username: USER.name, password: 'wrong', protocolVersion: 5 }
    const answer = await roundTrip(await openPage('127.0.0.1'), broker.url('wss'), options, 'a')
    expect(answer).toMatch(/^refused: .*bad user ?name or password/i)
  })

  test('may not connect from a page of another host', async () => {
    const options = { username: USER.name, password: USER.password, clientId: 'foreign' }
    expect(await roundTrip(await openPage('localhost'), broker.url('ws'), options, 'a')).toMatch(/closed|refused/)
    expect(broker.linesAbout('foreign')).toEqual([])
  })
})
