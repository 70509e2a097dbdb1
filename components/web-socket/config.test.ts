import { expect, it } from 'vitest'
import { webSocket } from './index.ts'

const { config } = webSocket

it.each([
  [{}, 'ws 127.0.0.1:8083/mqtt'],
  [{ host: '::', port: 80, path: '/' }, 'ws [::]:80/'],
  [{ tls: { cert: 'a.pem', key: 'a.key' } }, 'wss 127.0.0.1:8084/mqtt'],
  [{ fd: 4 }, 'ws fd 4/mqtt'],
])('%j is described as %s', (values, text) => {
  expect(webSocket.describe?.(config.parse(values))).toBe(text)
})

it.each([
  { path: 'mqtt' },
  { path: '/mqtt?a' },
  { origins: ['example.com'] },
  { origins: ['https://example.com/'] },
  { trustedProxies: ['proxy.example'] },
  { tls: {} },
  { tls: { cert: 'a.pem' } },
])('%j is refused', (values) => {
  expect(config.safeParse(values).success).toBe(false)
})
