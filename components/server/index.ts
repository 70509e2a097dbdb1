import { Listener } from '../../src/kinds/listener.ts'
import { Logger } from '../../src/kinds/logger.ts'
import { PipelineStage } from '../../src/kinds/pipeline-stage.ts'
import { Transport } from '../../src/kinds/transport.ts'
import { formatAddress } from '../../src/network/format-address.ts'
import { keepOrListen, type ListeningHandover, listen } from '../../src/network/listening.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { all, many } from '../../src/system/kind.ts'
import { banHandover } from './bans.ts'
import { serverConfig } from './config.ts'
import type { ServerRecord } from './core-record.ts'
import { measuresOf } from './measures.ts'
import { MqttServer } from './mqtt-server.ts'
import { openFileLimit, warnAboutOpenFiles } from './open-files.ts'
import { pipelineProblem, readPipeline } from './pipeline.ts'

/**
 * Listens for TCP connections and serves those of further transports. Opens for each a pipeline of the stages in its
 * dependencies, in their order.
 */
export const server = defineComponent({
  provides: Listener,
  needs: { pipeline: many(PipelineStage), transports: all(Transport), logger: Logger },
  config: serverConfig,
  describe: ({ host, port }) => formatAddress(host, port),

  check: (_config, { pipeline }) => {
    const roles = pipeline.map(({ provides }) => provides.variant)
    // The role of a component that provides no variant is known when it starts.
    if (!roles.every((role) => role !== undefined)) return []
    const problem = pipelineProblem(
      roles,
      pipeline.map(({ name }, index) => `${name} (${roles[index]})`),
    )
    return problem === undefined ? [] : [{ path: ['dependencies', 'pipeline'], message: problem }]
  },

  start: async (config, { pipeline, transports, logger }, { name }) => {
    const stages = readPipeline(pipeline, `${name}.dependencies.pipeline`)
    const log = logger.child({ component: name })
    warnAboutOpenFiles(config, await openFileLimit(), log)
    const kept = await listen(config)
    const started = new MqttServer(kept, transports, config, stages, log, name)
    await started.serve()
    return started
  },

  measure: measuresOf,

  unready: ({ draining }) => (draining ? 'it stops, and takes no connections' : undefined),

  exclusive: ({ host, port }) => (port === 0 ? [] : [`tcp:${formatAddress(host, port)}`]),

  // Connections stay, with the stages that are listed now.
  adjust: (instance, config, { pipeline, transports, logger }, { name }) => {
    const stages = readPipeline(pipeline, `${name}.dependencies.pipeline`)
    return instance.adjust(config, stages, transports, logger.child({ component: name }))
  },

  // Connections stay, and continue in the new code.
  handover: {
    format: 'mqtt-jig server',
    version: 1,
    prepare: (config, { pipeline, transports, logger }, { name }) => {
      const stages = readPipeline(pipeline, `${name}.dependencies.pipeline`)
      return new MqttServer(undefined, transports, config, stages, logger.child({ component: name }), name)
    },
    give: (instance): ServerRecord => instance.handOver(),
    rehearse: (instance, record: ServerRecord) => instance.rehearse(record),
    take: (instance, record: ServerRecord) => instance.continueFrom(record),
    retire: (instance) => instance.retire(),
    discard: (instance) => instance.discard(),
    census: ({ open }) => ({ connections: open }),
  },

  connections: (instance) => instance.openConnections,

  verify: (instance) => instance.check(),

  stop: (instance) => instance.stop(),

  // Connections end here, but the port stays bound: clients that reconnect meanwhile wait and are not refused.
  suspend: async (instance): Promise<ListeningHandover> => instance.suspend(),

  // Until this returns, the predecessor owns the listening socket. After a reset that failed it may be closed.
  resume: async (config, { pipeline, transports, logger }, suspended, { name, signal }) => {
    const stages = readPipeline(pipeline, `${name}.dependencies.pipeline`)
    const { host, port, backlog } = config
    const kept = await keepOrListen(suspended, { host, port, backlog }, signal)
    const { bans } = banHandover.parse(suspended)
    const successor = new MqttServer(kept, transports, config, stages, logger.child({ component: name }), name, bans)
    await successor.serve()
    return successor
  },
})
