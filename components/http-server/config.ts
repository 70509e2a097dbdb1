import { z } from 'zod'
import { tlsOptions } from '../../src/network/tls/tls-config.ts'

const { cert, key, passphrase, minimumVersion, ciphers, reloadIntervalMs } = tlsOptions

export const httpServerConfig = z
  .strictObject({
    host: z
      .string()
      .min(1)
      .default('127.0.0.1')
      .describe('The address to listen on. One that other machines reach needs `allowRemote: true`.'),
    port: z.int().min(0).max(65_535).default(18_083).describe('The TCP port; 0 lets the operating system choose one.'),
    allowRemote: z
      .boolean()
      .default(false)
      .describe(
        'Whether other machines may reach it. Set `cert` and `key` as well, or tokens cross the network unencrypted.',
      ),
    hosts: z
      .array(z.string().min(1).max(253))
      .max(1_000)
      .default([])
      .describe(
        'Names under which clients reach it, without a port: `broker.example.com`. Requests for other names get 421. IP addresses and ' +
          '`localhost` are always allowed.',
      ),
    cert: cert.describe('File with the certificate and its intermediate certificates, in PEM, for HTTPS. Unset: HTTP.'),
    key,
    passphrase: passphrase.describe('Decrypts `key`.'),
    minimumVersion,
    ciphers,
    reloadIntervalMs,
    maximumConnections: z
      .int()
      .min(1)
      .max(100_000)
      .default(128)
      .describe('Connections open at the same time. Further ones are closed at once, counted and logged.'),
    maximumConnectionsPerAddress: z
      .int()
      .min(1)
      .max(100_000)
      .optional()
      .describe(
        'Connections of one address at the same time; the addresses of a /64 network of IPv6 are one. Further ones are closed. Unset: half ' +
          'of `maximumConnections`. Behind a proxy: as many as `maximumConnections`.',
      ),
    requestRate: z
      .number()
      .positive()
      .max(1_000_000)
      .nullable()
      .default(200)
      .describe(
        'Requests of one address in a second, once its burst is used up. Further ones get 429. `null`: no limit.',
      ),
    requestBurst: z.int().min(1).max(1_000_000).default(1_000).describe('Requests of one address at once.'),
    maximumBodyBytes: z
      .int()
      .min(0)
      .max(64 * 1024 ** 2)
      .default(64 * 1024)
      .describe('The largest body of a request, in bytes. A larger one gets 413.'),
    maximumUrlLength: z
      .int()
      .min(64)
      .max(16_000)
      .default(8_192)
      .describe('The longest path and query of a request, in characters. A longer one gets 414.'),
    headersDeadlineMs: z
      .int()
      .min(10)
      .max(600_000)
      .default(5_000)
      .describe(
        'How long the headers of a request may take, and a TLS handshake, in milliseconds. Then the connection is closed.',
      ),
    requestDeadlineMs: z
      .int()
      .min(10)
      .max(600_000)
      .default(10_000)
      .describe('How long a whole request may take, with its body, in milliseconds. Then the connection is closed.'),
    idleDeadlineMs: z
      .int()
      .min(10)
      .max(3_600_000)
      .default(60_000)
      .describe('A connection on which no byte moves for so long is closed, in milliseconds, also during an answer.'),
    drainMs: z
      .int()
      .min(0)
      .max(600_000)
      .default(1_000)
      .describe('How long a server that stops waits for answers that are under way, in milliseconds.'),
  })
  .superRefine((config, context) => {
    const missing = config.cert === undefined ? 'cert' : 'key'
    if ((config.cert === undefined) === (config.key === undefined)) return
    context.addIssue({ code: 'custom', path: [missing], message: 'missing: HTTPS needs both cert and key' })
  })

export type HttpServerConfig = z.output<typeof httpServerConfig>
