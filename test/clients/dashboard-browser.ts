/** A browser for the tests of the dashboard. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { buildDashboard } from '../../scripts/dashboard/build-dashboard.ts'
import { browserPath } from './requirements.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** The elements that reach over the right edge of the page. */
const OVERFLOWING = `
  document.documentElement.scrollWidth <= innerWidth ? [] :
    [...document.querySelectorAll('body *')]
      .filter((element) => element.getBoundingClientRect().right > innerWidth + 0.5)
      .map((element) => element.outerHTML.slice(0, 200)).slice(0, 5).concat('overflow')`

/** What axe finds. */
interface Violation {
  readonly id: string
  readonly impact: string
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
}

/** Chromium, a built dashboard, and what the consoles of all its pages complained of. */
export class DashboardBrowser {
  /** The folder of the built dashboard. */
  readonly build: string
  /** Warnings and errors of the consoles, with what the policy of a page refused. */
  readonly complaints: string[] = []
  readonly #folder: string
  /** For a person to look at; kept if the environment variable names a folder. */
  readonly #screenshots: string
  readonly #browser: Browser
  readonly #contexts: BrowserContext[] = []

  private constructor(folder: string, build: string, browser: Browser) {
    this.build = build
    this.#folder = folder
    this.#browser = browser
    this.#screenshots = process.env['DASHBOARD_SCREENSHOTS'] ?? join(folder, 'screenshots')
    mkdirSync(this.#screenshots, { recursive: true })
  }

  static async open(): Promise<DashboardBrowser> {
    const folder = mkdtempSync(join(tmpdir(), 'dashboard-'))
    const build = join(folder, 'build')
    await buildDashboard(build)
    // The sandbox of Chromium does not work for root, nor in most containers. The page is the test's own.
    const browser = await chromium.launch({ executablePath: browserPath()!, chromiumSandbox: false, timeout: 300_000 })
    return new DashboardBrowser(folder, build, browser)
  }

  /** A page with storage of its own, so that no session is left from another test. */
  async openPage(url: string, colorScheme: 'light' | 'dark' = 'light'): Promise<Page> {
    const viewport = { width: 1280, height: 900 }
    const context = await this.#browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce' })
    this.#contexts.push(context)
    const page = await context.newPage()
    page.setDefaultTimeout(60_000)
    page.on('console', (message) => {
      if (['warning', 'error'].includes(message.type())) this.complaints.push(`${page.url()}: ${message.text()}`)
    })
    page.on('pageerror', (error) => this.complaints.push(`${page.url()}: ${error.stack}`))
    await page.goto(url)
    return page
  }

  /** A picture of the whole page. */
  async screenshot(page: Page, name: string): Promise<void> {
    await page.screenshot({ path: join(this.#screenshots, `${name.replaceAll('/', '-')}.png`), fullPage: true })
  }

  async closePages(): Promise<void> {
    await Promise.all(this.#contexts.splice(0).map((context) => context.close()))
  }

  async close(): Promise<void> {
    await this.#browser.close()
    rmSync(this.#folder, { recursive: true })
  }
}

export const logIn = async (page: Page, token: string): Promise<void> => {
  await page.getByLabel('Token of the admin API').fill(token)
  await page.getByRole('button', { name: 'Log in' }).click()
}

/** Waits until an operator who logged in sees the dashboard. */
export const dashboardShown = (page: Page): Promise<void> =>
  page.getByRole('navigation', { name: 'Pages of the dashboard' }).waitFor()

/** Goes to a page, and waits until it has loaded its data. */
export const go = async (page: Page, path: string): Promise<void> => {
  await page.evaluate(`location.hash = ${JSON.stringify(`#/${path}`)}`)
  await page.getByText('Loading …').first().waitFor({ state: 'detached' })
}

/** @returns what axe finds that is serious or critical. */
export const accessibilityFaults = async (page: Page): Promise<string[]> => {
  await page.evaluate(AXE)
  const found = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as {
    readonly violations: readonly Violation[]
  }
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('\n')}`)
}

/** @returns elements that make the page wider than its window. */
export const overflowing = async (page: Page): Promise<string[]> => (await page.evaluate(OVERFLOWING)) as string[]
