import { z } from 'zod'
import { listenerOptions } from '../../src/kinds/listener-options.ts'
import { handshakeOptions } from '../../src/network/handshake-options.ts'
import { checkTlsOptions, tlsOptions } from '../../src/network/tls/tls-config.ts'

export const tlsConfig = z
  .strictObject({
    host: z
      .string()
      .min(1)
      .default('127.0.0.1')
      .describe('The address to listen on. `0.0.0.0` and `::` open the broker to the network; the default does not.'),
    port: z.int().min(0).max(65_535).default(8883).describe('The TCP port; 0 lets the operating system choose one.'),
    backlog: z
      .int()
      .min(1)
      .max(65_535)
      .default(1024)
      .describe('Connections that may wait to be accepted; the operating system may allow fewer.'),
    tcpKeepAliveMs: z
      .int()
      .min(0)
      .max(7_200_000)
      .default(60_000)
      .describe('Silence after which TCP probes the peer, in milliseconds; 0 disables the probes.'),
    ...tlsOptions,
    applicationProtocols: z
      .array(z.string().min(1).max(255))
      .max(10)
      .default([])
      .describe(
        'Protocols that are offered by ALPN: `mqtt`. A client that offers others only is refused. Empty: what a client offers is ' +
          'ignored.',
      ),
    ...handshakeOptions,
    ...listenerOptions,
  })
  .superRefine(checkTlsOptions)

export type TlsConfig = z.output<typeof tlsConfig>
