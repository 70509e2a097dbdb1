import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { tcp } from '../../components/tcp/index.ts'
import { unixSocket } from '../../components/unix-socket/index.ts'
import { webSocket } from '../../components/web-socket/index.ts'
import { proxyProtocol } from '../../src/network/proxy-protocol.ts'

const pageOf = (folder: string): string =>
  readFileSync(resolve(import.meta.dirname, '../../components', folder, 'README.md'), 'utf8')
const keysOf = (page: string, title: string): readonly string[] => {
  const table = page.match(new RegExp(`^\\| ${title} \\|(?:.*\\n)+?\\n`, 'm'))?.[0] ?? ''
  return [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, key]) => key!)
}

// `system.config.ts` does not have these components: test/docs/pages.test.ts is about those that it has.
test.each([
  ['tcp', tcp],
  ['unix-socket', unixSocket],
  ['web-socket', webSocket],
])('the page of %s names every value of its config', (folder, { config }) => {
  expect([...keysOf(pageOf(folder), 'config \\| default')].sort()).toEqual(Object.keys(config.shape).sort())
})

test('the page of tcp names every value of proxyProtocol', () => {
  expect([...keysOf(pageOf('tcp'), '`proxyProtocol` \\| default')].sort()).toEqual(
    ['proxyProtocol', ...Object.keys(proxyProtocol.shape)].sort(),
  )
})
