/** The dashboard in a real browser: each page, with 1,000 clients, in light and dark, on a wide and on a narrow screen. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { dashboard } from '../../components/dashboard/index.ts'
import { buildDashboard } from '../../scripts/dashboard/build-dashboard.ts'
import { FAKE_TOKEN, FakeAdmin } from '../helpers/fake-admin/fake-admin.ts'
import { lifecycleContext } from '../helpers/lifecycle-context.ts'
import { LocalHttpServer } from '../helpers/local-http-server.ts'
import { RecordingLogger } from '../helpers/recording-logger.ts'
import { browserPath, describeClient, requirements } from './requirements.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const PAGES = ['overview', 'clients', 'clients/sensor-00042', 'topics', 'retained', 'listeners', 'log'] as const

/** Screenshots for a person to look at; kept if the environment variable names a folder. */
const folder = mkdtempSync(join(tmpdir(), 'dashboard-'))
const screenshots = process.env['DASHBOARD_SCREENSHOTS'] ?? join(folder, 'screenshots')
const build = join(folder, 'build')

let browser: Browser
let server: LocalHttpServer
let admin: FakeAdmin
const contexts: BrowserContext[] = []
/** What the console of the pages had as warnings and errors, and what their policy refused. */
const complaints: string[] = []

const serve = async (port = 0): Promise<LocalHttpServer> => {
  const opened = await LocalHttpServer.open(port)
  opened.route('/api', admin.handle)
  const dependencies = { http: opened, logger: new RecordingLogger() }
  await dashboard.start({ path: '/', directory: build }, dependencies, lifecycleContext('dashboard'))
  return opened
}

interface View {
  readonly width?: number
  readonly colorScheme?: 'light' | 'dark'
}

/** A browser of its own, so that no session is left from another test. */
const openPage = async ({ width = 1280, colorScheme = 'light' }: View = {}): Promise<Page> => {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, reducedMotion: 'reduce' })
  contexts.push(context)
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  page.on('console', (message) => {
    if (['warning', 'error'].includes(message.type())) complaints.push(`${page.url()}: ${message.text()}`)
  })
  page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error.stack}`))
  await page.goto(`http://${server.address}/`)
  return page
}

const logIn = async (page: Page, token = FAKE_TOKEN): Promise<void> => {
  await page.getByLabel('Token of the admin API').fill(token)
  await page.getByRole('button', { name: 'Log in' }).click()
}

/** An operator at a page. */
const visit = async (path: string, view: View = {}): Promise<Page> => {
  const page = await openPage(view)
  await logIn(page)
  await page.getByRole('navigation', { name: 'Pages of the dashboard' }).waitFor()
  await go(page, path)
  return page
}

const go = async (page: Page, path: string): Promise<void> => {
  await page.evaluate(`location.hash = ${JSON.stringify(`#/${path}`)}`)
  await page.getByText('Loading …').first().waitFor({ state: 'detached' })
}

/** @returns what axe finds that is serious or critical. */
const accessibilityFaults = async (page: Page): Promise<string[]> => {
  await page.evaluate(AXE)
  const found = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as {
    readonly violations: readonly {
      readonly id: string
      readonly impact: string
      readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
    }[]
  }
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('\n')}`)
}

/** The elements that reach over the right edge of the page. */
const OVERFLOWING = `
  document.documentElement.scrollWidth <= innerWidth ? [] :
    [...document.querySelectorAll('body *')]
      .filter((element) => element.getBoundingClientRect().right > innerWidth + 0.5)
      .map((element) => element.outerHTML.slice(0, 200)).slice(0, 5).concat('overflow')`

const screenshot = (page: Page, name: string): Promise<unknown> =>
  page.screenshot({ path: join(screenshots, `${name.replaceAll('/', '-')}.png`), fullPage: true })

describeClient('the dashboard in Chromium', [requirements.browser], () => {
  beforeAll(async () => {
    mkdirSync(screenshots, { recursive: true })
    await buildDashboard(build)
    // The sandbox of Chromium does not work for root, nor in most containers. The page is this test's own.
    browser = await chromium.launch({ executablePath: browserPath()!, chromiumSandbox: false, timeout: 300_000 })
  })
  beforeAll(async () => {
    admin = new FakeAdmin(1_000, 200)
    server = await serve()
  })
  afterEach(async () => {
    await Promise.all(contexts.splice(0).map((context) => context.close()))
    admin.failing.clear()
    expect(complaints.splice(0)).toEqual([])
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
    rmSync(folder, { recursive: true })
  })

  test.each(['light', 'dark'] as const)(
    'has no serious fault of accessibility, and no overflow: %s',
    async (colorScheme) => {
      const page = await openPage({ colorScheme })
      expect(await accessibilityFaults(page)).toEqual([])
      await screenshot(page, `login-${colorScheme}`)
      await logIn(page)
      await page.getByRole('navigation', { name: 'Pages of the dashboard' }).waitFor()
      for (const path of PAGES) {
        for (const width of [1280, 320]) {
          await page.setViewportSize({ width, height: 900 })
          await go(page, path)
          if (path === 'overview') await page.getByText('running').first().waitFor()
          await screenshot(page, `${path}-${width}-${colorScheme}`)
          expect([path, width, await accessibilityFaults(page)]).toEqual([path, width, []])
          expect([path, width, await page.evaluate(OVERFLOWING)]).toEqual([path, width, []])
        }
      }
    },
  )

  test('a wrong token is refused, and the right one is kept in the tab alone', async () => {
    const page = await openPage()
    await logIn(page, 'wrong')
    await page.getByText('The broker does not accept this token.').waitFor()
    expect(complaints.splice(0)).toEqual([expect.stringContaining('401')])
    await logIn(page)
    await page.getByText('connected now').waitFor()
    expect(page.url()).not.toContain(FAKE_TOKEN)
    await page.reload()
    await page.getByText('connected now').waitFor()
    expect(await page.evaluate('JSON.stringify([localStorage.length, document.cookie])')).toBe('[0,""]')
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByLabel('Token of the admin API').waitFor()
    expect(await page.evaluate('sessionStorage.length')).toBe(0)
  })

  test('the overview shows rates, and what does not work', async () => {
    const page = await visit('overview')
    await page.getByRole('img', { name: /^Messages, last 5 minutes\. Now: in: [\d.]+ ?k?\/s/ }).waitFor()
    const healthy = admin.components
    admin.components = healthy.map((component) => {
      if (component.name === 'store')
        return { ...component, unready: 'the store cannot write: no space left on device' }
      if (component.name === 'tls')
        return { ...component, state: 'failed', error: 'cannot read certificates/server.key' }
      return component.name === 'server' ? { ...component, state: 'blocked', blockedBy: ['tls'] } : component
    })
    const problems = page.getByRole('status').filter({ hasText: 'no space left' })
    await problems.getByText('blocked by tls').waitFor()
    expect(await page.locator('.node-bad').count()).toBe(3)
    await screenshot(page, 'overview-failed')
    expect(await accessibilityFaults(page)).toEqual([])
    admin.components = healthy
    await problems.waitFor({ state: 'detached' })
    await page.locator('.node').filter({ hasText: 'broker' }).click()
    await page.getByText('router (router), store (store)').waitFor()
    expect(page.url()).toContain('component=broker')
    await screenshot(page, 'overview-selected')
  })

  test('clients are searched, sorted and paged by the broker, and the URL has the state', async () => {
    const page = await visit('clients')
    await page.getByText('1–100 of 1,000 clients').waitFor()
    await page.getByRole('link', { name: 'Next' }).click()
    await page.getByText('101–200 of 1,000 clients').waitFor()
    await page.getByRole('link', { name: 'Received' }).click()
    await page.getByText('1–100 of 1,000 clients').waitFor()
    await page.getByRole('link', { name: 'Received' }).click()
    await page.getByRole('row').nth(1).getByText('sensor-00999').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('sensor-0012')
    await page.getByText('1–10 of 10 clients').waitFor()
    expect(page.url()).toContain('q=sensor-0012')
    await page.reload()
    await page.getByText('1–10 of 10 clients').waitFor()
    expect(await page.getByRole('columnheader', { name: 'Received' }).getAttribute('aria-sort')).toBe('descending')
    await page.getByLabel('Search').fill('nothing like this')
    await page.getByText('No connected client matches.').waitFor()
    await screenshot(page, 'clients-empty')
  })

  test('a client is disconnected and banned after the page has said how many clients that touches', async () => {
    const page = await visit('clients/sensor-00007')
    await page.getByRole('button', { name: 'Disconnect …' }).click()
    await page.getByRole('dialog').getByText('1 client', { exact: true }).waitFor()
    expect(await accessibilityFaults(page)).toEqual([])
    await screenshot(page, 'disconnect')
    await page.getByRole('button', { name: 'Disconnect 1 client' }).click()
    await page.getByText('Disconnected sensor-00007.').waitFor()
    expect(admin.changes.splice(0)).toEqual(['DELETE /clients/sensor-00007'])
    await page.getByText('This client is not connected.').waitFor()
    await go(page, 'clients/sensor-00008')
    await page.getByRole('button', { name: 'Ban its address …' }).click()
    await page.getByText('4 clients are connected from there now').waitFor()
    await screenshot(page, 'ban')
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(admin.changes).toEqual([])
    await page.getByRole('button', { name: 'Start trace' }).click()
    await page.getByText('No packet yet.').waitFor()
    admin.emit('trace', { traceId: 'trace-1', timeMs: Date.now(), text: 'from client: PUBLISH a/b QoS 1, 12 bytes' })
    await page.getByText('PUBLISH a/b QoS 1').waitFor()
    await screenshot(page, 'trace')
    expect(admin.changes.splice(0)).toEqual(['POST /traces'])
    await page.getByRole('button', { name: 'Stop trace' }).click()
    await page.getByRole('button', { name: 'Start trace' }).waitFor()
    expect(admin.changes.splice(0)).toEqual(['DELETE /traces/trace-1'])
    // The page asked for the client that was gone.
    expect(complaints.splice(0).join()).toContain('404')
  })

  test('the topic tree opens level by level, and a retained message is deleted', async () => {
    const page = await visit('topics')
    await page.getByRole('button', { name: /^kitchen/ }).click()
    await page.getByRole('link', { name: /kitchen\/light/ }).click()
    await page.getByText('"brightness": 0.6').waitFor()
    await screenshot(page, 'topics-open')
    expect(await accessibilityFaults(page)).toEqual([])
    await page.getByRole('button', { name: 'Delete …' }).click()
    await page.getByText('0 connected clients').waitFor()
    await page.getByRole('button', { name: 'Delete 1 message' }).click()
    await page.getByText('Deleted the retained message of kitchen/light.').waitFor()
    expect(admin.changes.splice(0)).toEqual(['DELETE /retained/kitchen%2Flight'])
  })

  test('a filter that is wrong, and an API that fails, are told with what to do', async () => {
    const page = await visit('retained?filter=a%2F%23%2Fb')
    await page.getByRole('alert').getByText('# must be the last level').waitFor()
    admin.failing.add('listeners')
    await go(page, 'listeners')
    await page.getByRole('alert').getByText('The store does not answer.').waitFor()
    await screenshot(page, 'listeners-failed')
    admin.failing.clear()
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByText('expired 3 days ago').waitFor()
    expect(complaints.splice(0).join()).toMatch(/400.*503/s)
  })

  test('keys lead to the pages and to the help', async () => {
    const page = await visit('overview')
    for (const [key, title] of Object.entries({ c: 'Clients', t: 'Topics', r: 'Retained', i: 'Listeners', l: 'Log' })) {
      await page.keyboard.press('g')
      await page.keyboard.press(key)
      await page.getByRole('heading', { level: 1, name: title }).waitFor()
    }
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor()
    expect(await accessibilityFaults(page)).toEqual([])
    await screenshot(page, 'keyboard')
    await page.getByLabel('Keyboard shortcuts are on').uncheck()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.keyboard.press('g')
    await page.keyboard.press('o')
    expect(page.url()).toContain('#/log')
    await page.getByRole('button', { name: 'Skip to the content' }).focus()
    await page.keyboard.press('Enter')
    expect(await page.evaluate('document.activeElement.id')).toBe('main')
  })

  test('the log is followed, searched and paused', async () => {
    const page = await visit('log')
    await page.getByText('no space left on device').waitFor()
    admin.emit('log', {
      timeMs: Date.now(),
      level: 'warn',
      component: 'server',
      message: 'Too many connections: 1,000',
    })
    await page.getByText('Too many connections').waitFor()
    await page.getByLabel('Search').fill('too many')
    await page.getByText('Client connected').first().waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Pause' }).click()
    admin.emit('log', { timeMs: Date.now(), level: 'warn', component: 'server', message: 'Too many while paused' })
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByText('Too many while paused').waitFor()
    await page.getByLabel('Level of the broker').selectOption('debug')
    await page.getByText('The broker logs lines of the level debug and above.').waitFor()
    expect(admin.level).toBe('debug')
    expect(admin.changes.splice(0)).toEqual(['PUT /log/level'])
  })

  test('a broker that is gone is shown, and found again', async () => {
    const page = await visit('clients')
    const { port } = server
    await server.close()
    await page.getByText('Not connected.').waitFor()
    await screenshot(page, 'not-connected')
    expect(await accessibilityFaults(page)).toEqual([])
    server = await serve(port)
    await page.getByRole('button', { name: 'Connect now' }).click()
    await page.getByText('Not connected.').waitFor({ state: 'detached' })
    await page.close()
    expect(complaints.splice(0).join()).toMatch(/ERR_/)
  })

  test('10,000 clients make no long list, and a broker without anything says what to do', async () => {
    const { clients } = admin
    admin.clients = new FakeAdmin(10_000).clients
    const page = await visit('clients')
    await page.getByText('1–100 of 10,000 clients').waitFor()
    expect(await page.getByRole('row').count()).toBe(101)
    admin.clients = []
    await page.reload()
    await page.getByText('No client is connected.').waitFor()
    await screenshot(page, 'clients-none')
    admin.clients = clients
  })
})
