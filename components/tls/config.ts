import { z } from 'zod'
import { listenerOptions } from '../../src/kinds/listener-options.ts'
import { handshakeOptions } from '../../src/network/handshake-options.ts'
import { tcpOptions } from '../../src/network/tcp-options.ts'
import { checkTlsOptions, tlsOptions } from '../../src/network/tls/tls-config.ts'

export const tlsConfig = z
  .strictObject({
    ...tcpOptions(8883),
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
