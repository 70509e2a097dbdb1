import { Logger } from '../../src/kinds/logger.ts'
import { ReplaceableLogger } from '../../src/kinds/replaceable-logger.ts'
import { Transport } from '../../src/kinds/transport.ts'
import { handshakeMeasures } from '../../src/network/handshake-measures.ts'
import type { ListeningHandover } from '../../src/network/listening.ts'
import { proxyMeasures } from '../../src/network/proxy-measures.ts'
import { socketHandover } from '../../src/network/socket-handover.ts'
import { describeAddress, exclusiveAddress, listenOn } from '../../src/network/tcp-options.ts'
import { tlsFiles } from '../../src/network/tls/load-tls.ts'
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
  describe: describeAddress,

  start: (config, { logger }, { name, signal }) => open(config, name, logger.child({ component: name }), signal),

  measure: (transport) => [
    ...proxyMeasures(transport.proxies),
    ...handshakeMeasures(transport.handshakes, 'tls'),
    ...tlsMeasures(transport.contexts, transport.acceptor),
  ],

  reads: tlsFiles,

  exclusive: exclusiveAddress,

  adjust: (instance, config, { logger }, { name, signal }) =>
    instance.adjust(config, logger.child({ component: name }), signal),

  // The listening socket and the connections stay. Certificates are read anew.
  handover: {
    format: 'mqtt-jig tls',
    version: 1,
    prepare: async (config, { logger }, { name }) => {
      const log = new ReplaceableLogger(logger.child({ component: name }))
      return new TlsTransport(undefined, await TlsContexts.open(config, log), config, name, log)
    },
    ...socketHandover,
  },

  refresh: (instance) => instance.contexts.refresh(),

  stop: (instance) => instance.close(),

  // The port stays bound: clients that reconnect meanwhile wait and are not refused.
  suspend: (instance): ListeningHandover => instance.handOver(),

  resume: (config, { logger }, suspended, { name, signal }) =>
    open(config, name, logger.child({ component: name }), signal, suspended),
})

/** The certificates are read first: if they are not right, nothing is bound, and what is handed over is not touched. */
const open = async (
  config: TlsConfig,
  name: string,
  logger: Logger,
  signal: AbortSignal,
  suspended?: unknown,
): Promise<TlsTransport> => {
  const log = new ReplaceableLogger(logger)
  const contexts = await TlsContexts.open(config, log)
  try {
    return new TlsTransport(await listenOn(config, signal, suspended), contexts, config, name, log)
  } catch (error) {
    contexts.stop()
    throw error
  }
}
