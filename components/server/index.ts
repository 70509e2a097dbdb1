import { Listener } from '../../src/kinds/listener.ts'
import { Logger } from '../../src/kinds/logger.ts'
import { PipelineStage } from '../../src/kinds/pipeline-stage.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { many } from '../../src/system/kind.ts'
import { serverConfig } from './config.ts'
import { formatAddress } from './connection.ts'
import { type Handover, handover, release } from './handover.ts'
import { readPipeline } from './pipeline.ts'
import { listen, TcpServer } from './tcp-server.ts'

/** Listens for TCP connections. Across its dependencies, in their order, it looks for the stages of their pipeline. */
export const server = defineComponent({
  provides: Listener,
  needs: { pipeline: many(PipelineStage), logger: Logger },
  config: serverConfig,
  describe: ({ host, port }) => formatAddress(host, port),

  start: async (config, { pipeline, logger }, { name }) => {
    const stages = readPipeline(pipeline, `${name}.dependencies.pipeline`)
    return new TcpServer(await listen(config), config, stages, logger.child({ component: name }))
  },

  stop: (instance: TcpServer) => instance.stop(),

  // Connections end here, but the port stays bound: clients that reconnect meanwhile wait and are not refused.
  suspend: async (instance: TcpServer): Promise<Handover> => instance.suspend(),

  // Until this returns, the predecessor owns the listening socket, and releases it if this throws.
  resume: async (config, { pipeline, logger }, suspended, { name }) => {
    const stages = readPipeline(pipeline, `${name}.dependencies.pipeline`)
    const { server, waiting, ...bound } = handover.parse(suspended)
    const kept = bound.host === config.host && bound.port === config.port && bound.backlog === config.backlog
    if (!kept) await release(server, waiting)
    const listening = kept ? server : await listen(config)
    const successor = new TcpServer(listening, config, stages, logger.child({ component: name }))
    if (kept) for (const socket of waiting) successor.accept(socket)
    return successor
  },
})
