import { z } from 'zod'
import { listenerOptions } from '../../src/kinds/listener-options.ts'
import { addressRange } from '../../src/network/address-list.ts'
import { tcpOptions } from '../../src/network/tcp-options.ts'

const origin = z
  .string()
  .refine((text) => text === '*' || text === 'null' || (URL.canParse(text) && new URL(text).origin === text), {
    message: 'must be an origin, `https://example.com` or `http://localhost:3000`, or `null` or `*`',
  })

export const webSocketConfig = z.strictObject({
  ...tcpOptions(8083),
  path: z
    .string()
    .regex(/^\/[^?#\s]*$/, 'must begin with a slash')
    .default('/mqtt')
    .describe('The path of the WebSocket.'),
  origins: z
    .array(origin)
    .optional()
    .describe(
      'Origins of the pages that may connect: `https://example.com`; `*` for all. Unset: pages of the same host, where that is an ' +
        'address or `localhost`. Clients that are no browsers are not affected.',
    ),
  trustedProxies: z
    .array(addressRange)
    .default([])
    .describe('Addresses of HTTP proxies whose header X-Forwarded-For is believed: `10.0.0.0/8`.'),
  handshakeDeadlineMs: z
    .int()
    .min(10)
    .max(600_000)
    .default(5_000)
    .describe('How long a connection may take to become a WebSocket, in milliseconds.'),
  maximumHandshakes: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(1_000)
    .describe('Connections that are not a WebSocket yet, at the same time. Further ones are closed.'),
  maximumHeaderBytes: z
    .int()
    .min(1_024)
    .max(1024 ** 2)
    .default(8_192)
    .describe('The largest request with its headers, in bytes. Cookies of a page count.'),
  ...listenerOptions,
})

export type WebSocketConfig = z.output<typeof webSocketConfig>
