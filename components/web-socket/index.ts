import { Logger } from '../../src/kinds/logger.ts'
import { Transport } from '../../src/kinds/transport.ts'
import { describeAddress, listenOn } from '../../src/network/tcp-options.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { webSocketConfig } from './config.ts'
import { measuresOf } from './measures.ts'
import { WebSocketListener } from './web-socket-listener.ts'

/** Connections over WebSocket, for browsers. */
export const webSocket = defineComponent({
  provides: Transport,
  needs: { logger: Logger },
  config: webSocketConfig,
  describe: (config) => `${describeAddress(config)}${config.path}`,

  start: async (config, { logger }, { name, signal }) =>
    new WebSocketListener(await listenOn(config, signal), config, name, logger.child({ component: name })),

  measure: measuresOf,

  stop: (instance) => instance.close(),

  // The port stays bound over a reset: clients that connect meanwhile wait and are not refused.
  suspend: (instance) => instance.handOver(),

  resume: async (config, { logger }, suspended, { name, signal }) =>
    new WebSocketListener(await listenOn(config, signal, suspended), config, name, logger.child({ component: name })),
})
