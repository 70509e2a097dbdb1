import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { webhookConfig } from './config.ts'

it('README names every value of the config', () => {
  const page = readFileSync(resolve(import.meta.dirname, 'README.md'), 'utf8')
  const table = page.match(/^\| config \|(?:.*\n)+?\n/m)?.[0] ?? ''
  const documented = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, key]) => key)
  expect(documented.sort()).toEqual(Object.keys(webhookConfig.shape).sort())
})
