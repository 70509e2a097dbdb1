import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { UNKNOWN_PEER } from '../../src/kinds/peer.ts'
import { type BuiltFiles, findBuild, readBuild } from './read-build.ts'
import { serveFiles } from './serve-files.ts'

const SCRIPT = `console.log(${JSON.stringify('x'.repeat(1_000))})`

let folder: string
let files: BuiltFiles
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dashboard-'))
  mkdirSync(join(folder, 'dist/dashboard/assets'), { recursive: true })
  writeFileSync(join(folder, 'secret.txt'), 'secret')
  const build = join(folder, 'dist/dashboard')
  writeFileSync(join(build, 'index.html'), '<!doctype html><title>mqtt-jig</title>')
  writeFileSync(join(build, 'assets/index-abc.js'), SCRIPT)
  writeFileSync(join(build, 'assets/index-abc.js.map'), '{}')
  files = (await readBuild(build))!
})
afterAll(() => rmSync(folder, { recursive: true }))

const ask = async (path: string, options: RequestInit = {}, at = '/'): Promise<Response> =>
  serveFiles(files, at)(new Request(`http://127.0.0.1${path}`, options), UNKNOWN_PEER)

test('the page has a strict policy, and is asked for each time', async () => {
  const { status, headers } = await ask('/')
  expect(status).toBe(200)
  expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(headers.get('cache-control')).toBe('no-cache')
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(headers.get('referrer-policy')).toBe('no-referrer')
  const policy = headers.get('content-security-policy')!.split('; ')
  expect(policy).toContain("default-src 'self'")
  expect(policy).toContain("connect-src 'self'")
  expect(policy).toContain("img-src 'self' data:")
  expect(policy).toContain("style-src 'self'")
  expect(policy).toContain("frame-ancestors 'none'")
  expect(policy.join()).not.toMatch(/unsafe|\*|https?:/)
})

test('a file whose name has a hash may be kept for ever', async () => {
  const { headers } = await ask('/assets/index-abc.js')
  expect(headers.get('content-type')).toBe('text/javascript; charset=utf-8')
  expect(headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
  expect(headers.get('x-content-type-options')).toBe('nosniff')
})

test.each([
  ['gzip, deflate, br', true],
  ['br, gzip;q=0.5', true],
  ['GZIP', true],
  ['gzip;q=0', false],
  ['gzip; q=0.000', false],
  ['br', false],
  ['x-gzip-like', false],
])('Accept-Encoding %s: packed is %s', async (accepted, isPacked) => {
  const response = await ask('/assets/index-abc.js', { headers: { 'accept-encoding': accepted } })
  expect(response.headers.get('content-encoding')).toBe(isPacked ? 'gzip' : null)
  const bytes = Buffer.from(await response.arrayBuffer())
  expect(response.headers.get('content-length')).toBe(`${bytes.length}`)
  expect(`${isPacked ? gunzipSync(bytes) : bytes}`).toBe(SCRIPT)
})

test('a browser that has the file gets 304', async () => {
  const tag = (await ask('/')).headers.get('etag')!
  for (const wanted of [tag, `W/${tag}`, `"other", ${tag}`]) {
    const response = await ask('/', { headers: { 'if-none-match': wanted } })
    expect([response.status, await response.text()]).toEqual([304, ''])
  }
  expect((await ask('/', { headers: { 'if-none-match': '"other"' } })).status).toBe(200)
})

test('HEAD gets the headers alone; other methods are refused', async () => {
  const head = await ask('/', { method: 'HEAD' })
  expect([head.status, await head.text()]).toEqual([200, ''])
  expect(Number(head.headers.get('content-length'))).toBeGreaterThan(0)
  const post = await ask('/', { method: 'POST' })
  expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
})

test.each([
  '/../secret.txt',
  '/..%2f..%2fsecret.txt',
  '/%2e%2e/%2e%2e/secret.txt',
  '/assets/..%5c..%5csecret.txt',
  '//assets/index-abc.js',
  '/assets',
  '/assets/',
  '/assets/index-abc.js.map',
  '/__proto__',
  '/constructor',
  '/nothing',
])('%s is not found', async (path) => {
  const response = await ask(path)
  expect(response.status).toBe(404)
  expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  expect(await response.text()).toBe('Not found.\n')
})

test('below a path of its own', async () => {
  expect((await ask('/ops/dashboard/', {}, '/ops/dashboard')).status).toBe(200)
  expect((await ask('/ops/dashboard/assets/index-abc.js', {}, '/ops/dashboard')).status).toBe(200)
  expect((await ask('/ops/dashboards/', {}, '/ops/dashboard')).status).toBe(404)
  const redirected = await ask('/ops/dashboard', {}, '/ops/dashboard')
  expect([redirected.status, redirected.headers.get('location')]).toEqual([308, 'dashboard/'])
})

test('a dashboard that is not built says what to run', async () => {
  expect(await readBuild(join(folder, 'nothing'))).toBeUndefined()
  const serve = serveFiles(undefined, '/')
  const page = await serve(new Request('http://127.0.0.1/'), UNKNOWN_PEER)
  expect([page.status, page.headers.get('content-type')]).toEqual([503, 'text/html; charset=utf-8'])
  expect(await page.text()).toContain('npm run build')
  expect((await serve(new Request('http://127.0.0.1/x.js'), UNKNOWN_PEER)).status).toBe(404)
})

test('the build is found from the sources and from the package', () => {
  expect(findBuild(join(folder, 'components/dashboard'))).toBe(join(folder, 'dist/dashboard'))
  expect(findBuild(join(folder, 'dist/components/dashboard'))).toBe(join(folder, 'dist/dashboard'))
})
