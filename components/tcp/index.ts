import { Logger } from '../../src/kinds/logger.ts'
import { Transport } from '../../src/kinds/transport.ts'
import { proxyMeasures } from '../../src/network/proxy-measures.ts'
import { socketHandover } from '../../src/network/socket-handover.ts'
import { describeAddress, exclusiveAddress, listenOn } from '../../src/network/tcp-options.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { tcpConfig } from './config.ts'
import { TcpListener } from './tcp-listener.ts'

/** A further TCP listener of the server: another address or port, a socket of systemd, or connections from proxies. */
export const tcp = defineComponent({
  provides: Transport,
  needs: { logger: Logger },
  config: tcpConfig,
  describe: describeAddress,

  start: async (config, { logger }, { name, signal }) =>
    new TcpListener(await listenOn(config, signal), config, name, logger.child({ component: name })),

  measure: ({ proxies }) => proxyMeasures(proxies),

  exclusive: exclusiveAddress,

  adjust: (instance, config, { logger }, { name, signal }) =>
    instance.adjust(config, logger.child({ component: name }), signal),

  // The listening socket and the connections stay.
  handover: {
    format: 'mqtt-jig tcp',
    version: 1,
    prepare: (config, { logger }, { name }) =>
      new TcpListener(undefined, config, name, logger.child({ component: name })),
    ...socketHandover,
  },

  stop: (instance) => instance.close(),

  // The port stays bound over a reset: clients that connect meanwhile wait and are not refused.
  suspend: (instance) => instance.handOver(),

  resume: async (config, { logger }, suspended, { name, signal }) =>
    new TcpListener(await listenOn(config, signal, suspended), config, name, logger.child({ component: name })),
})
