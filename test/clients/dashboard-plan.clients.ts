/** The plan of a reload and the reload itself, on the overview of the dashboard, in a real browser. */

import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { dashboard } from '../../components/dashboard/index.ts'
import { FAKE_TOKEN, FakeAdmin } from '../helpers/fake-admin/fake-admin.ts'
import { lifecycleContext } from '../helpers/lifecycle-context.ts'
import { LocalHttpServer } from '../helpers/local-http-server.ts'
import { RecordingLogger } from '../helpers/recording-logger.ts'
import { accessibilityFaults, DashboardBrowser, dashboardShown, logIn, overflowing } from './dashboard-browser.ts'
import { describeClient, requirements } from './requirements.ts'

/** A component for each verdict of the made-up plan. */
const VERDICTS = {
  ...{ router: 'keep', topicRules: 'adjust', mqttHandler: 'swap', admin: 'restart', unixSocket: 'start' },
  webSocket: 'stop',
}

let browser: DashboardBrowser
let server: LocalHttpServer
let admin: FakeAdmin

/** An operator at the overview. */
const visit = async (colorScheme: 'light' | 'dark' = 'light'): Promise<Page> => {
  const page = await browser.openPage(`http://${server.address}/`, colorScheme)
  await logIn(page, FAKE_TOKEN)
  await dashboardShown(page)
  await page.locator('.node').first().waitFor()
  return page
}

const plan = (page: Page): Promise<void> => page.getByRole('button', { name: 'Plan', exact: true }).click()

describeClient('the plan of a reload, in Chromium', [requirements.browser], () => {
  beforeAll(async () => {
    browser = await DashboardBrowser.open()
    server = await LocalHttpServer.open(0)
    server.route('/api', (request, peer) => admin.handle(request, peer))
    const dependencies = { http: server, logger: new RecordingLogger() }
    await dashboard.start({ path: '/', directory: browser.build }, dependencies, lifecycleContext('dashboard'))
  })
  beforeEach(() => {
    admin = new FakeAdmin(1_000, 200)
  })
  afterEach(async () => {
    await browser.closePages()
    expect(browser.complaints.splice(0)).toEqual([])
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
  })

  test.each(['light', 'dark'] as const)(
    'a plan lies over the diagram, and its reasons below it: %s',
    async (scheme) => {
      const page = await visit(scheme)
      await plan(page)
      const sentence =
        '7 of 18 components change. 333 clients are not touched, 667 kept with new pipelines, 2 disconnected.'
      await page.getByRole('status').getByText(sentence).waitFor()
      for (const [name, verdict] of Object.entries(VERDICTS)) {
        const node = page.locator(`.node-${verdict}`).filter({ hasText: name })
        expect([name, await node.locator('.node-detail').textContent()]).toEqual([
          name,
          expect.stringContaining(verdict),
        ])
        expect(await node.locator('.verdict-shape').count()).toBe(1)
      }
      const parts = page.getByRole('table', { name: 'Components that change, with reasons' })
      expect(await parts.getByRole('row').count()).toBe(8)
      await parts.getByRole('row').filter({ hasText: 'swap' }).getByText('publish.ts; topicRules is adjusted').waitFor()
      const connections = page.getByRole('table', { name: 'What becomes of the connections of each listener' })
      const cells = connections.getByRole('row').filter({ hasText: 'webSocket' }).getByRole('cell')
      expect(await cells.allTextContents()).toEqual(['webSocket', '0', '0', '2'])
      for (const width of [1280, 320]) {
        await page.setViewportSize({ width, height: 900 })
        await browser.screenshot(page, `plan-${width}-${scheme}`)
        expect([width, await accessibilityFaults(page)]).toEqual([width, []])
        expect([width, await overflowing(page)]).toEqual([width, []])
      }
      await page.getByRole('button', { name: 'Hide the plan' }).click()
      await page.locator('.node-planned').first().waitFor({ state: 'detached' })
      expect(await page.evaluate('document.activeElement.textContent')).toBe('Plan')
      expect(admin.changes).toEqual([])
    },
  )

  test('a reload is asked for after its plan, says how many clients it touches, and what it did', async () => {
    const page = await visit()
    expect(await page.getByRole('button', { name: 'Reload …' }).count()).toBe(0)
    await plan(page)
    await page.getByRole('button', { name: 'Reload …' }).click()
    const dialog = page.getByRole('dialog', { name: 'Reload the config?' })
    await dialog.getByText('669 clients', { exact: true }).waitFor()
    await dialog.getByText('2 clients', { exact: true }).waitFor()
    expect(await accessibilityFaults(page)).toEqual([])
    await browser.screenshot(page, 'reload-dialog')
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    expect(admin.changes).toEqual([])
    // The config changes between the plan and the reload.
    admin.plan = { ...admin.plan, parts: admin.plan.parts.filter(({ name }) => name !== 'admin') }
    await page.getByRole('button', { name: 'Reload …' }).click()
    await dialog.getByText('The plan is another one than before').waitFor()
    await dialog.getByRole('button', { name: 'Change 6 components' }).click()
    await page.getByText('Reloaded in 12.4 ms: 7 changes, 0.38 ms without traffic, 1 failure.').first().waitFor()
    await page.getByText("passwords, line 3: 'ann' has no hash. It continues with what it had.").waitFor()
    await page.getByText('a new certificate, 89 days left').waitFor()
    expect(admin.changes.splice(0)).toEqual(['POST /components/reload'])
    expect(await page.locator('.node-planned').count()).toBe(0)
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Plan')
    expect(await accessibilityFaults(page)).toEqual([])
    await browser.screenshot(page, 'reloaded')
    await plan(page)
    await page.getByText('No component changes').first().waitFor()
    await browser.screenshot(page, 'plan-empty')
  })

  const REFUSALS = [
    'the reset would close connections that are to be kept, 667 of server; server must restart (config.<b>port</b>)',
    `users would have to restart for /etc/${'a-long-name-'.repeat(12)}, and could not go back if that failed`,
  ]

  test('a plan that the broker will refuse says why, and cannot be applied', async () => {
    admin.plan = { ...admin.plan, refusals: REFUSALS }
    const page = await visit()
    await plan(page)
    const alert = page.getByRole('alert').filter({ hasText: 'The broker will refuse this reload' })
    await alert.waitFor()
    expect(await alert.getByRole('listitem').allTextContents()).toEqual(REFUSALS)
    expect(await page.getByRole('button', { name: 'Reload …' }).count()).toBe(0)
    await page.getByRole('table', { name: 'Components that change, with reasons' }).waitFor()
    for (const [scheme, width] of [
      ['light', 1280],
      ['dark', 1280],
      ['dark', 320],
    ] as const) {
      await page.emulateMedia({ colorScheme: scheme })
      await page.setViewportSize({ width, height: 900 })
      await browser.screenshot(page, `plan-refused-${width}-${scheme}`)
      expect([width, await accessibilityFaults(page)]).toEqual([width, []])
      expect([width, await overflowing(page)]).toEqual([width, []])
    }
    admin.plan = { ...admin.plan, refusals: [] }
    await page.getByRole('button', { name: 'Plan again' }).click()
    await page.getByRole('button', { name: 'Reload …' }).waitFor()
    expect(await alert.count()).toBe(0)
    expect(admin.changes).toEqual([])
  })

  test('a plan that is refused when it is read again is not asked for', async () => {
    const page = await visit()
    await plan(page)
    const reload = page.getByRole('button', { name: 'Reload …' })
    await reload.waitFor()
    admin.plan = { ...admin.plan, refusals: REFUSALS }
    await reload.click()
    await page.getByRole('alert').getByText(REFUSALS[0]!).waitFor()
    await reload.waitFor({ state: 'detached' })
    expect(await page.getByRole('dialog').count()).toBe(0)
    await expect.poll(() => page.evaluate('document.activeElement.textContent')).toBe('Plan again')
    expect(admin.changes).toEqual([])
  })

  test('a plan and a reload that fail are told in full, over the page, until they are closed', async () => {
    const page = await visit()
    const text = `broker.config.maximumQueue: must be a number\nserver.config.port: must be <= 65535\n${'  at a long line '.repeat(20)}`
    admin.refusals.set('reload', [409, 'the reset was not applied: take of broker: <b>no</b>\nEverything was undone.'])
    await plan(page)
    await page.getByRole('button', { name: 'Reload …' }).click()
    await page.getByRole('button', { name: 'Change 7 components' }).click()
    const failed = page.getByRole('alertdialog', { name: 'The reload failed' })
    await failed.getByText('<b>no</b>\nEverything was undone.').waitFor()
    expect(await page.getByRole('dialog').count()).toBe(0)
    await failed.getByRole('button', { name: 'Close' }).click()
    await failed.waitFor({ state: 'detached' })
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Reload …')
    admin.refusals.set('plan', [409, text])
    await page.getByRole('button', { name: 'Plan again' }).click()
    const wrong = page.getByRole('alertdialog', { name: 'The plan failed' })
    expect(await wrong.locator('pre').textContent()).toBe(text)
    const described = (await wrong.getAttribute('aria-describedby'))!
    expect(await page.locator(`[id="${described}"]`).textContent()).toBe(text)
    for (const [scheme, width] of [
      ['light', 1280],
      ['dark', 1280],
      ['dark', 320],
    ] as const) {
      await page.emulateMedia({ colorScheme: scheme })
      await page.setViewportSize({ width, height: 900 })
      await browser.screenshot(page, `plan-failed-${width}-${scheme}`)
      expect(await accessibilityFaults(page)).toEqual([])
      expect(await overflowing(page)).toEqual([])
    }
    await page.keyboard.press('Escape')
    await wrong.waitFor({ state: 'detached' })
    expect(await page.locator('.node-planned').count()).toBe(0)
    await expect.poll(() => page.evaluate('document.activeElement.textContent')).toBe('Plan')
    expect(admin.changes.splice(0)).toEqual(['POST /components/reload'])
    expect(browser.complaints.splice(0).join()).toMatch(/409.*409/s)
  })

  test('a program that does not read its config again says so', async () => {
    admin.refusals.set('plan', [501, 'This program does not read its config again: restart it.'])
    const page = await visit()
    await plan(page)
    await page.getByRole('status').getByText('This program does not read its config again: restart it.').waitFor()
    expect(await page.getByRole('button', { name: 'Reload …' }).count()).toBe(0)
    expect(await accessibilityFaults(page)).toEqual([])
    await browser.screenshot(page, 'plan-unavailable')
    expect(browser.complaints.splice(0).join()).toContain('501')
  })
})
