/** The dashboard with a real broker behind it: 1,000 clients that publish, in all pages. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectAsync, type MqttClient } from 'mqtt'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { dashboard } from '../../components/dashboard/index.ts'
import { passwordFile } from '../../components/password-file/index.ts'
import { traceStage } from '../../components/trace/index.ts'
import { tracer } from '../../components/tracer/index.ts'
import { AdminBroker } from '../helpers/admin-broker.ts'
import { quietSystem } from '../helpers/start-broker.ts'
import { accessibilityFaults, DashboardBrowser, dashboardShown, go, logIn } from './dashboard-browser.ts'
import { describeClient, requirements } from './requirements.ts'

const CLIENTS = 1_000
const PAGES = [
  ...['overview', 'clients', 'clients/device-7', 'sessions', 'topics', 'retained', 'publish', 'users'],
  ...['listeners', 'log'],
]

const folder = mkdtempSync(join(tmpdir(), 'dashboard-users-'))
let browser: DashboardBrowser
let broker: AdminBroker
const clients: MqttClient[] = []

const connectAll = async (): Promise<void> => {
  const one = (index: number) =>
    connectAsync({
      ...{ host: '127.0.0.1', port: broker.broker.port, clientId: `device-${index}`, reconnectPeriod: 0 },
      ...(index % 3 === 0 && { username: `user-${index % 5}`, password: 'none' }),
    })
  for (let start = 0; start < CLIENTS; start += 100) {
    clients.push(...(await Promise.all(Array.from({ length: 100 }, (_, index) => one(start + index)))))
  }
  await Promise.all(clients.map((client, index) => client.subscribeAsync(`command/${index}`, { qos: 1 })))
  await clients[0]!.publishAsync('kitchen/light', '{"on":true,"brightness":0.6}', { retain: true, qos: 1 })
  await clients[0]!.publishAsync('/lead', 'x', { retain: true, qos: 1 })
}

const visit = async (path: string): Promise<Page> => {
  const page = await browser.openPage(`${broker.url}/`)
  await logIn(page, broker.token)
  await dashboardShown(page)
  await go(page, path)
  return page
}

describeClient('the dashboard in Chromium, with a real broker', [requirements.browser], () => {
  let timer: NodeJS.Timeout | undefined
  beforeAll(async () => {
    browser = await DashboardBrowser.open()
    const pipeline = ['mqttDecoder', 'trace', 'mqttHandler', 'mqttEncoder']
    broker = await AdminBroker.start({
      dependencies: { tracer: 'tracer', users: 'staff' },
      entries: {
        // The handler does not know it, so that no client is asked for a password: it is here for its users.
        staff: {
          component: passwordFile,
          config: { path: join(folder, 'passwords') },
          dependencies: { logger: 'logger' },
        },
        tracer: { component: tracer, dependencies: { logger: 'logger' } },
        trace: { component: traceStage, dependencies: { tracer: 'tracer', broker: 'broker' } },
        dashboard: {
          component: dashboard,
          config: { directory: browser.build },
          dependencies: { http: 'httpServer', logger: 'logger' },
        },
        server: { ...quietSystem.server, dependencies: { ...quietSystem.server.dependencies, pipeline } },
      },
    })
    await connectAll()
    let turn = 0
    timer = setInterval(() => {
      turn += 1
      clients[turn % CLIENTS]!.publish(`command/${turn % CLIENTS}`, 'x'.repeat(100))
    }, 5)
  })
  afterEach(async () => {
    await browser.closePages()
    expect(browser.complaints.splice(0)).toEqual([])
  })
  afterAll(async () => {
    clearInterval(timer)
    for (const client of clients) client.end(true)
    await browser?.close()
    await broker?.stop()
    rmSync(folder, { recursive: true })
  })

  test('all pages have their data, without an error in the console or a serious fault of accessibility', async () => {
    const page = await visit('overview')
    await page.getByRole('img', { name: /^Messages, last 5 minutes\. Now: in: (?!0\/s)[\d.]+ ?k?\/s/ }).waitFor()
    await page.locator('.rate').first().waitFor()
    for (const path of PAGES) {
      await go(page, path)
      await browser.screenshot(page, `real-${path}`)
      expect([path, await accessibilityFaults(page)]).toEqual([path, []])
      expect([path, await page.getByRole('alert').count()]).toEqual([path, 0])
    }
  })

  test('clients are searched, sorted and paged', async () => {
    const page = await visit('clients?sort=bytesReceived&order=desc')
    await page.getByText('1–100 of 1,000 clients').waitFor()
    await page.getByRole('link', { name: 'Next' }).click()
    await page.getByText('101–200 of 1,000 clients').waitFor()
    await page.getByLabel('Search').fill('device-99')
    await page.getByText('1–11 of 11 clients').waitFor()
  })

  test('packets of a client are traced, and the client is disconnected', async () => {
    const page = await visit('clients/device-7')
    await page.getByText('command/7').waitFor()
    await page.getByRole('button', { name: 'Start trace' }).click()
    await page.getByText('No packet yet.').waitFor()
    await clients[7]!.publishAsync('traced/topic', 'x', { qos: 1 })
    await page.getByText('traced/topic').first().waitFor()
    await browser.screenshot(page, 'real-trace')
    await page.getByRole('button', { name: 'Stop trace' }).click()
    await page.getByRole('button', { name: 'Start trace' }).waitFor()
    const closed = new Promise((done) => clients[7]!.once('close', () => done('closed')))
    await page.getByRole('button', { name: 'Disconnect …' }).click()
    await page.getByRole('button', { name: 'Disconnect 1 client' }).click()
    expect(await closed).toBe('closed')
    await page.getByText('This client is not connected.').waitFor()
    expect(browser.complaints.splice(0).join()).toContain('404')
  })

  test('retained messages are read, also below an empty level, and deleted', async () => {
    const page = await visit('topics')
    await page.getByRole('button', { name: /^\(empty level\)/ }).click()
    await page.getByRole('link', { name: /Message of \/lead/ }).waitFor()
    await page.getByRole('button', { name: /^kitchen/ }).click()
    await page.getByRole('link', { name: /kitchen\/light/ }).click()
    await page.getByText('"brightness": 0.6').waitFor()
    await page.getByRole('button', { name: 'Delete …' }).click()
    await page.getByRole('button', { name: 'Delete 1 message' }).click()
    await page.getByText('Deleted the retained message of kitchen/light.').waitFor()
    expect((await broker.get('/retained/kitchen%2Flight')).status).toBe(404)
    browser.complaints.length = 0
  })

  test('messages wait in an away session, which is deleted with them', async () => {
    const options = { host: '127.0.0.1', port: broker.broker.port, reconnectPeriod: 0, protocolVersion: 5 } as const
    const properties = { sessionExpiryInterval: 3_600 }
    const away = await connectAsync({ ...options, clientId: 'away', properties })
    await away.subscribeAsync('away/#', { qos: 1 })
    await away.endAsync()
    const page = await visit('publish')
    await page.getByLabel('Topic').fill('away/1')
    await page.getByLabel('Payload').fill('for later')
    await page.getByLabel('QoS').selectOption('1')
    await page.getByRole('button', { name: 'Publish 1 message' }).click()
    await page.getByText('Success (0x00)').waitFor()
    await page.getByText('1 subscriber got it').waitFor()
    await go(page, 'sessions')
    await page.getByText('1–1 of 1 away sessions').waitFor()
    await page.getByRole('button', { name: 'Delete session of away' }).click()
    await page.getByText('1 queued message', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Delete 1 session' }).click()
    await page.getByText('No session is without a client.').waitFor()
    expect((await broker.get('/sessions/away')).status).toBe(404)
  })

  test('a user is added to the password file and deleted', async () => {
    const page = await visit('users')
    await page.getByText('There are no users yet.').waitFor()
    await page.getByRole('button', { name: 'Add user …' }).click()
    await page.getByRole('dialog').getByLabel('Name').fill('bob')
    await page.getByRole('dialog').getByLabel('Password').fill('a secret')
    await page.getByRole('button', { name: 'Add 1 user' }).click()
    await page.getByText('Added the user bob.').waitFor()
    expect(readFileSync(join(folder, 'passwords'), 'utf8')).toMatch(/^bob:\$scrypt\$/)
    await page.getByRole('button', { name: 'Delete user bob' }).click()
    await page.getByRole('button', { name: 'Delete 1 user' }).click()
    await page.getByText('There are no users yet.').waitFor()
    expect(browser.complaints.splice(0).join()).toContain('404')
  })

  test('lines of the log arrive as they are written, and the level is changed', async () => {
    const page = await visit('log')
    const client = await connectAsync({
      host: '127.0.0.1',
      port: broker.broker.port,
      clientId: 'late',
      reconnectPeriod: 0,
    })
    await page.getByText('Client connected: late').waitFor()
    await client.endAsync()
    await page.getByLabel('Level of the broker').selectOption('warn')
    await page.getByText('The broker logs lines of the level warn and above.').waitFor()
    expect((await broker.get('/log/level')).body).toEqual({ level: 'warn' })
  })
})
