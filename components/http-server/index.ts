import { HttpServer } from '../../src/kinds/http-server.ts'
import { Logger } from '../../src/kinds/logger.ts'
import { formatAddress } from '../../src/network/format-address.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { httpServerConfig } from './config.ts'
import { healthRoutes } from './health.ts'
import { measuresOf } from './measures.ts'
import { NodeHttpServer } from './node-http-server.ts'
import { httpServerFiles } from './node-server.ts'

/**
 * Serves HTTP for operators, on this machine unless told otherwise. It needs no other part of the broker: it starts early, and says that the
 * system is not ready while the rest starts.
 */
export const httpServer = defineComponent({
  provides: HttpServer,
  needs: { logger: Logger },
  config: httpServerConfig,
  describe: ({ host, port, cert }) => `${cert === undefined ? 'http' : 'https'} ${formatAddress(host, port)}`,
  start: async (config, { logger }, { name, system }) => {
    const server = await NodeHttpServer.open(config, name, logger.child({ component: name }))
    for (const [path, handler] of healthRoutes(system)) server.route(path, handler)
    return server
  },
  measure: measuresOf,
  reads: httpServerFiles,
  exclusive: ({ host, port }) => (port === 0 ? [] : [`tcp:${formatAddress(host, port)}`]),
  // The routes of other components stay.
  adjust: (instance, config, { logger }, { name }) => instance.adjust(config, logger.child({ component: name })),
  refresh: (instance) => instance.refresh(),
  stop: (instance) => instance.stop(),
})
