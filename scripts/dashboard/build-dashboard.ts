/** Builds the dashboard into a folder. */

import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { build } from 'vite'
import { dashboardOptions } from './dashboard-options.ts'

/** The packages whose code is in the built files. Their licences ask that their texts go with it. */
const BUNDLED = ['preact', 'uplot'] as const

/**
 * Replaces the content of a folder with the built dashboard: `index.html`, and in `assets` files whose names have a hash of what they
 * contain.
 */
export const buildDashboard = async (folder: string): Promise<void> => {
  await build({
    ...dashboardOptions,
    build: {
      outDir: folder,
      emptyOutDir: true,
      // The policy of the page allows no inline scripts and no data: URLs but images.
      modulePreload: { polyfill: false },
      target: 'es2022',
      reportCompressedSize: false,
    },
  })
  writeFileSync(join(folder, 'LICENSES.txt'), BUNDLED.map(licence).join('\n'))
}

const licence = (name: string): string => {
  const folder = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`))
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { readonly version: string }
  return `${name} ${version}\n\n${readFileSync(join(folder, 'LICENSE'), 'utf8')}`
}
