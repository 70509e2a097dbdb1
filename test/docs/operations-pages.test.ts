import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { metrics } from '../../components/metrics/index.ts'
import { traceStage } from '../../components/trace/index.ts'
import { tracer } from '../../components/tracer/index.ts'

// They need not be part of system.config.ts, whose components pages.test.ts checks.
test.each([
  ['metrics', metrics],
  ['trace', traceStage],
  ['tracer', tracer],
])('the page of %s names every value of its config, with its default', (folder, { config }) => {
  const page = readFileSync(resolve(import.meta.dirname, '../../components', folder, 'README.md'), 'utf8')
  const table = page.match(/^\| config \|(?:.*\n)+?\n/m)?.[0] ?? ''
  const documented = [...table.matchAll(/^\| `(\w+)` \| (?:`(.*?)`|–) \|/gm)].map(([, key, value]) => [key!, value])
  const defaults = config.parse({}) as Readonly<Record<string, unknown>>
  const shown = (value: unknown): string | undefined =>
    value === undefined || typeof value === 'string' ? value : JSON.stringify(value)
  const expected = Object.keys(config.shape).map((key) => [key, shown(defaults[key])])
  expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(expected))
})
