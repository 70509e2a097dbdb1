import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import secureSystem from '../../secure.config.ts'
import { secureConfigSource } from '../../src/secure-config.ts'
import { checkConfig } from '../../src/system/check-config.ts'

const page = readFileSync(resolve(import.meta.dirname, '../../docs/secure.md'), 'utf8')

test('secure.md shows the whole config that init writes', () => {
  expect(page.match(/```ts\n([\s\S]*?)```/)?.[1]).toBe(secureConfigSource())
})

test.each([false, true])('the config that init writes is valid, with TLS %s', (enabled) => {
  const { tls, secureWebSocket } = secureSystem
  expect([tls.enabled, secureWebSocket.enabled]).toEqual([false, false])
  const system = { ...secureSystem, tls: { ...tls, enabled }, secureWebSocket: { ...secureWebSocket, enabled } }
  expect(() => checkConfig(system)).not.toThrow()
})

test('the addresses of secure.md are those of the config', () => {
  const { server, webSocket, tls, secureWebSocket } = secureSystem
  const { path } = webSocket.component.config.parse({})
  for (const address of [
    `mqtt://HOST:${server.config?.port}`,
    `ws://HOST:${webSocket.config?.port}${path}`,
    `mqtts://HOST:${tls.config?.port}`,
    `wss://HOST:${secureWebSocket.config?.port}${path}`,
  ])
    expect(page).toContain(`\`${address}\``)
})
