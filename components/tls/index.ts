import { Logger } from '../../src/kinds/logger.ts'
import { Transport } from '../../src/kinds/transport.ts'
import { formatAddress } from '../../src/network/format-address.ts'
import { handshakeMeasures } from '../../src/network/handshake-measures.ts'
import { type KeptListening, keepOrListen, type ListeningHandover, listen } from '../../src/network/listening.ts'
import { TlsContexts } from '../../src/network/tls/tls-contexts.ts'
import { tlsMeasures } from '../../src/network/tls/tls-measures.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { type TlsConfig, tlsConfig } from './config.ts'
import { TlsTransport } from './tls-transport.ts'

/** Listens for connections with TLS, which the server serves. */
export const tls = defineComponent({
  provides: Transport,
  needs: { logger: Logger },
  config: tlsConfig,
  describe: ({ host, port }) => formatAddress(host, port),

  start: (config, { logger }, { name }) =>
    open(config, name, logger.child({ component: name }), async ({ host, port, backlog }) => ({
      listening: await listen({ host, port, backlog }),
      waiting: [],
    })),

  measure: (transport) => [
    ...handshakeMeasures(transport.handshakes),
    ...tlsMeasures(transport.contexts, transport.acceptor),
  ],

  stop: (instance) => instance.close(),

  // The port stays bound: clients that reconnect meanwhile wait and are not refused.
  suspend: (instance): ListeningHandover => instance.handOver(),

  resume: (config, { logger }, suspended, { name, signal }) =>
    open(config, name, logger.child({ component: name }), ({ host, port, backlog }) =>
      keepOrListen(suspended, { host, port, backlog }, signal),
    ),
})

/** The certificates are read first: if they are not right, nothing is bound, and what is handed over is not touched. */
const open = async (
  config: TlsConfig,
  name: string,
  log: Logger,
  bind: (config: TlsConfig) => Promise<KeptListening>,
): Promise<TlsTransport> => {
  const contexts = await TlsContexts.open(config, log)
  try {
    return new TlsTransport(await bind(config), contexts, config, name, log)
  } catch (error) {
    contexts.stop()
    throw error
  }
}
