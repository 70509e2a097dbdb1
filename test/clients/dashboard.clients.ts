/** The dashboard in a real browser: each page, with 1,000 clients, in light and dark, on a wide and on a narrow screen. */

import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { dashboard } from '../../components/dashboard/index.ts'
import { fakeSessions, payloadOf } from '../helpers/fake-admin/data.ts'
import { FAKE_TOKEN, FakeAdmin } from '../helpers/fake-admin/fake-admin.ts'
import { lifecycleContext } from '../helpers/lifecycle-context.ts'
import { LocalHttpServer } from '../helpers/local-http-server.ts'
import { RecordingLogger } from '../helpers/recording-logger.ts'
import { accessibilityFaults, DashboardBrowser, dashboardShown, go, logIn, overflowing } from './dashboard-browser.ts'
import { describeClient, requirements } from './requirements.ts'

const PAGES = [
  ...['overview', 'clients', 'clients/sensor-00042', 'sessions', 'topics', 'retained', 'publish', 'users'],
  ...['listeners', 'log'],
]

const KEYS = {
  ...{ c: 'Clients', s: 'Away sessions', t: 'Topics', r: 'Retained', p: 'Publish', u: 'Users' },
  ...{ i: 'Listeners', l: 'Log' },
}

let browser: DashboardBrowser
let server: LocalHttpServer
let admin: FakeAdmin

const serve = async (port = 0): Promise<LocalHttpServer> => {
  const opened = await LocalHttpServer.open(port)
  opened.route('/api', admin.handle)
  const dependencies = { http: opened, logger: new RecordingLogger() }
  await dashboard.start({ path: '/', directory: browser.build }, dependencies, lifecycleContext('dashboard'))
  return opened
}

/** An operator at a page. */
const visit = async (path: string): Promise<Page> => {
  const page = await browser.openPage(`http://${server.address}/`)
  await logIn(page, FAKE_TOKEN)
  await dashboardShown(page)
  await go(page, path)
  return page
}

describeClient('the dashboard in Chromium', [requirements.browser], () => {
  beforeAll(async () => {
    browser = await DashboardBrowser.open()
    admin = new FakeAdmin(1_000, 200)
    server = await serve()
  })
  afterEach(async () => {
    await browser.closePages()
    admin.failing.clear()
    expect(browser.complaints.splice(0)).toEqual([])
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
  })

  test.each(['light', 'dark'] as const)(
    'has no serious fault of accessibility, and no overflow: %s',
    async (colorScheme) => {
      const page = await browser.openPage(`http://${server.address}/`, colorScheme)
      expect(await accessibilityFaults(page)).toEqual([])
      await browser.screenshot(page, `login-${colorScheme}`)
      await logIn(page, FAKE_TOKEN)
      await dashboardShown(page)
      for (const path of PAGES) {
        for (const width of [1280, 320]) {
          await page.setViewportSize({ width, height: 900 })
          await go(page, path)
          if (path === 'overview') await page.getByText('running').first().waitFor()
          await browser.screenshot(page, `${path}-${width}-${colorScheme}`)
          expect([path, width, await accessibilityFaults(page)]).toEqual([path, width, []])
          expect([path, width, await overflowing(page)]).toEqual([path, width, []])
        }
      }
    },
  )

  test('a wrong token is refused, and the right one is kept in the tab alone', async () => {
    const page = await browser.openPage(`http://${server.address}/`)
    await logIn(page, 'wrong')
    await page.getByText('The broker does not accept this token.').waitFor()
    expect(browser.complaints.splice(0)).toEqual([expect.stringContaining('401')])
    await logIn(page, FAKE_TOKEN)
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
    await browser.screenshot(page, 'overview-failed')
    expect(await accessibilityFaults(page)).toEqual([])
    admin.components = healthy
    await problems.waitFor({ state: 'detached' })
    await page.locator('.node').filter({ hasText: 'broker' }).click()
    await page.getByText('router (router), store (store)').waitFor()
    expect(page.url()).toContain('component=broker')
    await browser.screenshot(page, 'overview-selected')
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
    await browser.screenshot(page, 'clients-empty')
  })

  test('a client is disconnected and banned after the page has said how many clients that touches', async () => {
    const page = await visit('clients/sensor-00007')
    await page.getByRole('button', { name: 'Disconnect …' }).click()
    await page.getByRole('dialog').getByText('1 client', { exact: true }).waitFor()
    expect(await accessibilityFaults(page)).toEqual([])
    await browser.screenshot(page, 'disconnect')
    await page.getByRole('button', { name: 'Disconnect 1 client' }).click()
    await page.getByText('Disconnected sensor-00007.').waitFor()
    expect(admin.changes.splice(0)).toEqual(['DELETE /clients/sensor-00007'])
    await page.getByText('This client is not connected.').waitFor()
    await go(page, 'clients/sensor-00008')
    await page.getByRole('button', { name: 'Ban its address …' }).click()
    await page.getByText('4 clients are connected from there now').waitFor()
    await browser.screenshot(page, 'ban')
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(admin.changes).toEqual([])
    await page.getByRole('button', { name: 'Start trace' }).click()
    await page.getByText('No packet yet.').waitFor()
    admin.emit('trace', { traceId: 'trace-1', timeMs: Date.now(), text: 'from client: PUBLISH a/b QoS 1, 12 bytes' })
    await page.getByText('PUBLISH a/b QoS 1').waitFor()
    await browser.screenshot(page, 'trace')
    expect(admin.changes.splice(0)).toEqual(['POST /traces'])
    await page.getByRole('button', { name: 'Stop trace' }).click()
    await page.getByRole('button', { name: 'Start trace' }).waitFor()
    expect(admin.changes.splice(0)).toEqual(['DELETE /traces/trace-1'])
    // The page asked for the client that was gone.
    expect(browser.complaints.splice(0).join()).toContain('404')
  })

  test('an away session is deleted after the page has said how many messages wait in it', async () => {
    const page = await visit('sessions')
    await page.getByText('1–100 of 120 away sessions').waitFor()
    await page.getByLabel('Search').fill('meter-0011')
    await page.getByText('1–1 of 1 away sessions').waitFor()
    await page.getByRole('button', { name: 'Delete session of meter-0011' }).click()
    const dialog = page.getByRole('dialog', { name: 'Delete the session of meter-0011?' })
    await dialog.getByText('190 queued messages').waitFor()
    await dialog.getByText('0 connected clients').waitFor()
    await dialog.getByText('Its Will is published now.').waitFor()
    expect(await accessibilityFaults(page)).toEqual([])
    await browser.screenshot(page, 'session-delete')
    const session = admin.sessions.find(({ id }) => id === 'meter-0011')!
    admin.sessions = admin.sessions.map((each) => (each === session ? { ...session, connected: true } : each))
    await dialog.getByText('The client has connected meanwhile').waitFor()
    await dialog.getByText('1 client', { exact: true }).waitFor()
    await dialog.getByRole('button', { name: 'Delete 1 session' }).click()
    await page.getByText('Deleted the session of meter-0011.').waitFor()
    await page.getByText('No away session matches.').waitFor()
    expect(admin.changes.splice(0)).toEqual(['DELETE /sessions/meter-0011'])
    admin.sessions = []
    await go(page, 'sessions')
    await page.getByText('No session is without a client.').waitFor()
    await browser.screenshot(page, 'sessions-none')
    admin.sessions = fakeSessions(120)
  })

  test('a message is published, and the answer has its reason and its subscribers', async () => {
    const page = await visit('publish?topic=plant%2F1')
    await page.getByLabel('Payload').fill('ü')
    await page.getByText('Payload, as text (2 B)').waitFor()
    await page.getByLabel('QoS').selectOption('1')
    await page.getByRole('button', { name: 'Publish 1 message' }).click()
    await page.getByText('Success (0x00)').waitFor()
    await page.getByText('12 subscribers got it').waitFor()
    await page.getByLabel('Topic').fill('kitchen/lamp')
    await page.getByLabel('Retain').check()
    await page.getByRole('button', { name: 'Publish 1 message' }).click()
    await page.getByText('No matching subscribers (0x10)').waitFor()
    await page.getByText('0 subscribers got it').waitFor()
    expect(admin.retained.get('kitchen/lamp')).toMatchObject({ payload: { text: 'ü' }, qos: 1 })
    await browser.screenshot(page, 'published')
    expect(await accessibilityFaults(page)).toEqual([])
    await page.getByLabel('Payload').fill('')
    await page.getByText('It cannot be undone.').waitFor()
    await page.getByRole('button', { name: 'Delete the retained message' }).click()
    await page.getByText('The topic has no retained message now.').waitFor()
    expect(admin.retained.has('kitchen/lamp')).toBe(false)
    await page.getByLabel('Topic').fill('full/1')
    await page.getByLabel('Topic').press('Enter')
    await page.getByText('Quota exceeded (0x97)').waitFor()
    await page.getByLabel('Topic').fill('a/#')
    await page.getByLabel('Topic').press('Enter')
    await page.getByRole('alert').getByText('it has a wildcard').waitFor()
    await browser.screenshot(page, 'publish-refused')
    expect(admin.changes.splice(0)).toEqual(Array(5).fill('POST /publish'))
    expect(browser.complaints.splice(0).join()).toContain('400')
  })

  test('users are added, get other passwords and are deleted; a failure is told in the dialog', async () => {
    const page = await visit('users')
    await page.getByText('1–22 of 22 users').waitFor()
    const fill = async (name: string) => {
      await page.getByRole('dialog').getByLabel('Name').fill(name)
      await page.getByRole('dialog').getByLabel('Password').fill('a secret')
      await page.keyboard.press('Enter')
    }
    await page.getByRole('button', { name: 'Add user …' }).click()
    await fill('a:b')
    await page.getByRole('dialog').getByText('A user name has no colon.').waitFor()
    await fill('bob')
    await page.getByRole('dialog').getByText('There is a user bob already.').waitFor()
    expect(await accessibilityFaults(page)).toEqual([])
    await browser.screenshot(page, 'user-add')
    expect(admin.changes.splice(0)).toEqual([])
    await fill('carl')
    await page.getByText('Added the user carl.').waitFor()
    await page.getByText('1–23 of 23 users').waitFor()
    await page.getByRole('button', { name: 'Password of plant-1', exact: true }).click()
    await page.getByText('43 connected clients').waitFor()
    await browser.screenshot(page, 'user-password')
    await page.getByRole('dialog').getByLabel('Password').fill('another')
    await page.getByRole('button', { name: 'Change 1 password' }).click()
    await page.getByText('Changed the password of plant-1.').waitFor()
    await page.getByRole('button', { name: 'Delete user carl' }).click()
    await page.getByText('0 connected clients').waitFor()
    await browser.screenshot(page, 'user-delete')
    await page.getByRole('button', { name: 'Delete 1 user' }).click()
    await page.getByText('Deleted the user carl.').waitFor()
    expect(admin.changes.splice(0)).toEqual(['PUT /users/carl', 'PUT /users/plant-1', 'DELETE /users/carl'])
    const { users } = admin
    admin.users = undefined
    await page.reload()
    await page.getByText('The system has no users that can be changed here.').waitFor()
    await browser.screenshot(page, 'users-none')
    admin.users = users
    expect(browser.complaints.splice(0).join()).toMatch(/400.*404/s)
  })

  test('the topic tree opens level by level, and a retained message is deleted', async () => {
    const page = await visit('topics')
    await page.getByRole('button', { name: /^kitchen/ }).click()
    await page.getByRole('link', { name: /kitchen\/light/ }).click()
    await page.getByText('"brightness": 0.6').waitFor()
    await browser.screenshot(page, 'topics-open')
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
    await browser.screenshot(page, 'listeners-failed')
    admin.failing.clear()
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByText('expired 3 days ago').waitFor()
    expect(browser.complaints.splice(0).join()).toMatch(/400.*503/s)
  })

  test('keys lead to the pages and to the help', async () => {
    const page = await visit('overview')
    for (const [key, title] of Object.entries(KEYS)) {
      await page.keyboard.press('g')
      await page.keyboard.press(key)
      await page.getByRole('heading', { level: 1, name: title }).waitFor()
    }
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor()
    expect(await accessibilityFaults(page)).toEqual([])
    await browser.screenshot(page, 'keyboard')
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
    await browser.screenshot(page, 'not-connected')
    expect(await accessibilityFaults(page)).toEqual([])
    // While the broker is gone: later the page may have connected by itself, and the button is gone.
    const asked = page.waitForRequest(/\/api\/v1\/events/)
    await page.getByRole('button', { name: 'Connect now' }).click()
    await asked
    server = await serve(port)
    await page.getByText('Not connected.').waitFor({ state: 'detached' })
    await page.close()
    expect(browser.complaints.splice(0).join()).toMatch(/ERR_/)
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
    await browser.screenshot(page, 'clients-none')
    admin.clients = clients
  })

  test('texts that clients chose are shown as texts, and never run', async () => {
    const { clients } = admin
    const hostile = '<img src=x onerror="document.title=1">javascript:alert(1)/../#?&"\'\u202e'
    const [first] = clients
    admin.clients = [
      {
        ...first!,
        id: hostile,
        userName: hostile,
        session: { ...first!.session, subscriptions: [{ filter: hostile, qos: 0 }] },
      },
    ]
    admin.retained.set(hostile, { topic: hostile, payload: payloadOf(hostile), qos: 0 })
    const page = await visit('clients')
    await page.getByRole('link', { name: hostile }).first().click()
    await page.getByRole('heading', { level: 1, name: hostile }).waitFor()
    await page.getByRole('cell', { name: hostile }).waitFor()
    await page.getByRole('button', { name: 'Disconnect …' }).click()
    await page.getByRole('dialog', { name: hostile }).waitFor()
    await page.keyboard.press('Escape')
    await go(page, `retained?topic=${encodeURIComponent(hostile)}`)
    await page.locator('pre').getByText(hostile).waitFor()
    admin.emit('log', { number: 9_999, timeMs: Date.now(), level: 'info', message: hostile })
    await go(page, 'log')
    await page.getByText(hostile).first().waitFor()
    expect(await page.locator('img').count()).toBe(0)
    expect(await page.evaluate('document.querySelectorAll("a[href^=javascript]").length')).toBe(0)
    admin.clients = clients
    admin.retained.delete(hostile)
  })
})
