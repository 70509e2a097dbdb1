import { Logger } from '../../src/kinds/logger.ts'
import { ReplaceableLogger } from '../../src/kinds/replaceable-logger.ts'
import { Transport } from '../../src/kinds/transport.ts'
import { socketHandover } from '../../src/network/socket-handover.ts'
import { describeAddress, exclusiveAddress, listenOn } from '../../src/network/tcp-options.ts'
import { tlsFiles } from '../../src/network/tls/load-tls.ts'
import { TlsContexts } from '../../src/network/tls/tls-contexts.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { type WebSocketConfig, webSocketConfig, withPort } from './config.ts'
import { measuresOf } from './measures.ts'
import { WebSocketListener } from './web-socket-listener.ts'

/** Connections over WebSocket, for browsers. */
export const webSocket = defineComponent({
  provides: Transport,
  needs: { logger: Logger },
  config: webSocketConfig,
  describe: (config) => `${config.tls === undefined ? 'ws' : 'wss'} ${describeAddress(withPort(config))}${config.path}`,

  start: (config, { logger }, { name, signal }) => open(config, name, logger.child({ component: name }), signal),

  measure: measuresOf,

  reads: ({ tls }) => (tls === undefined ? [] : tlsFiles(tls)),

  exclusive: (config) => exclusiveAddress(withPort(config)),

  adjust: (instance, config, { logger }, { name, signal }) =>
    instance.adjust(config, logger.child({ component: name }), signal),

  // The listening socket and the connections stay. Certificates are read anew.
  handover: {
    format: 'mqtt-jig web-socket',
    version: 1,
    prepare: async (config, { logger }, { name }) => {
      const log = new ReplaceableLogger(logger.child({ component: name }))
      const contexts = config.tls && (await TlsContexts.open(config.tls, log))
      return new WebSocketListener(undefined, contexts, config, name, log)
    },
    ...socketHandover,
  },

  refresh: (instance) => instance.refresh(),

  stop: (instance) => instance.close(),

  // The port stays bound over a reset: clients that connect meanwhile wait and are not refused.
  suspend: (instance) => instance.handOver(),

  resume: (config, { logger }, suspended, { name, signal }) =>
    open(config, name, logger.child({ component: name }), signal, suspended),
})

/** Certificates are read first: if they are not right, nothing is bound, and what was handed over is not touched. */
const open = async (
  config: WebSocketConfig,
  name: string,
  logger: Logger,
  signal: AbortSignal,
  suspended?: unknown,
): Promise<WebSocketListener> => {
  const log = new ReplaceableLogger(logger)
  const contexts = config.tls && (await TlsContexts.open(config.tls, log))
  try {
    return new WebSocketListener(await listenOn(withPort(config), signal, suspended), contexts, config, name, log)
  } catch (error) {
    contexts?.stop()
    throw error
  }
}
