import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildDashboard } from './build-dashboard.ts'

/** What a browser loads for the dashboard, packed. */
const MAXIMUM_BYTES = 150_000

let folder: string
let files: Map<string, Buffer>
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dashboard-'))
  await buildDashboard(folder)
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  files = new Map(entries.map(({ name, parentPath }) => [name, readFileSync(join(parentPath, name))]))
})
afterAll(() => rmSync(folder, { recursive: true }))

test('all files together are less than 150 kB, packed', () => {
  const sizes = [...files.values()].map((bytes) => gzipSync(bytes, { level: 9 }).length)
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MAXIMUM_BYTES)
})

test('the page has no inline script and no inline style, which its policy forbids, and loads nothing from elsewhere', () => {
  const page = `${files.get('index.html')}`
  expect(page.match(/<script/g)).toEqual(['<script'])
  expect(page).toMatch(/<script type="module" [^>]*src="\.\/assets\/[\w.-]+"><\/script>/)
  expect(page).not.toMatch(/<style|style=|\son\w+=|https?:/)
})

test('every file but the page and the licences has a hash in its name', () => {
  const named = [...files.keys()].filter((name) => name !== 'index.html' && name !== 'LICENSES.txt')
  expect(named.length).toBeGreaterThan(2)
  expect(named.filter((name) => !/-[\w-]{8}\.(?:js|css|svg)$/.test(name))).toEqual([])
  const licences = `${files.get('LICENSES.txt')}`
  for (const name of ['preact', 'uplot']) expect(licences).toMatch(new RegExp(`^${name} \\d`, 'm'))
})
