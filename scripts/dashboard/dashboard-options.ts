/** How vite builds and serves the dashboard. */

import { resolve } from 'node:path'
import type { InlineConfig } from 'vite'

export const root = resolve(import.meta.dirname, '../..')

/** The sources of the dashboard. */
export const sources = resolve(root, 'components/dashboard/app')

export const dashboardOptions: InlineConfig = {
  root: sources,
  // Below any path of a proxy.
  base: './',
  configFile: false,
  publicDir: false,
  logLevel: 'warn',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
}
