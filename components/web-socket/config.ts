import { z } from 'zod'
import { listenerOptions } from '../../src/kinds/listener-options.ts'
import { addressRange } from '../../src/network/address-list.ts'
import { handshakeOptions } from '../../src/network/handshake-options.ts'
import { tcpOptions } from '../../src/network/tcp-options.ts'
import { checkTlsOptions, tlsOptions } from '../../src/network/tls/tls-config.ts'

const PORT = 8083
const SECURE_PORT = 8084

const origin = z
  .string()
  .refine((text) => text === '*' || text === 'null' || (URL.canParse(text) && new URL(text).origin === text), {
    message: 'must be an origin, `https://example.com` or `http://localhost:3000`, or `null` or `*`',
  })

export const webSocketConfig = z.strictObject({
  ...tcpOptions(PORT),
  port: z
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe(`The TCP port; 0 lets the operating system choose one. Unset: ${PORT}, with \`tls\` ${SECURE_PORT}.`),
  tls: z
    .strictObject(tlsOptions)
    .superRefine(checkTlsOptions)
    .optional()
    .describe(
      'Connections have TLS (`wss`), with the values of the component `tls`: `cert`, `key`. Unset: they have not (`ws`).',
    ),
  path: z
    .string()
    .regex(/^\/[^?#\s]*$/, 'must begin with a slash')
    .default('/mqtt')
    .describe('The path of the WebSocket.'),
  origins: z
    .array(origin)
    .optional()
    .describe(
      'Origins of the pages that may connect: `https://example.com`; `*` for all. Unset: pages of the same host. Without `tls` the host ' +
        'must then be an address or `localhost`. Clients that are no browsers are not affected.',
    ),
  trustedProxies: z
    .array(addressRange)
    .default([])
    .describe('Addresses of HTTP proxies whose header X-Forwarded-For is believed: `10.0.0.0/8`.'),
  ...handshakeOptions,
  maximumHeaderBytes: z
    .int()
    .min(1_024)
    .max(1024 ** 2)
    .default(8_192)
    .describe('The largest request with its headers, in bytes. Cookies of a page count.'),
  packetsPerFrame: z
    .enum(['one', 'many'])
    .default('one')
    .describe(
      'How many MQTT packets a frame to a client holds. `one`: as mosquitto does; some clients wait for more when a frame has two. `many`: all ' +
        'packets of a turn of the event loop, which is less work for browsers.',
    ),
  ...listenerOptions,
})

export type WebSocketConfig = z.output<typeof webSocketConfig>

/** The config with the port that is used. */
export const withPort = <C extends Pick<WebSocketConfig, 'port' | 'tls'>>(
  config: C,
): C & { readonly port: number } => ({
  ...config,
  port: config.port ?? (config.tls === undefined ? PORT : SECURE_PORT),
})
