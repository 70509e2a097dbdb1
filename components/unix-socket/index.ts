import { Logger } from '../../src/kinds/logger.ts'
import { Transport } from '../../src/kinds/transport.ts'
import { canKeep, listenInstead, listeningHandover } from '../../src/network/listening.ts'
import { socketHandover } from '../../src/network/socket-handover.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { unixSocketConfig } from './config.ts'
import { listenAtPath, setMode } from './socket-file.ts'
import { UnixSocketListener } from './unix-socket-listener.ts'

/** Connections from this machine over a Unix socket. */
export const unixSocket = defineComponent({
  provides: Transport,
  needs: { logger: Logger },
  config: unixSocketConfig,
  describe: ({ path }) => path,

  start: async (config, { logger }, { name }) => {
    return new UnixSocketListener(await listenAtPath(config), config, name, logger.child({ component: name }))
  },

  exclusive: ({ path }) => [`unix:${path}`],

  adjust: (instance, config, { logger }, { name }) => instance.adjust(config, logger.child({ component: name })),

  // The listening socket and the connections stay.
  handover: {
    format: 'mqtt-jig unix-socket',
    version: 1,
    prepare: (config, { logger }, { name }) =>
      new UnixSocketListener(undefined, config, name, logger.child({ component: name })),
    ...socketHandover,
  },

  stop: (instance) => instance.close(),

  // The socket stays over a reset: clients that connect meanwhile wait and are not refused.
  suspend: (instance) => instance.handOver(),

  resume: async (config, { logger }, suspended, { name, signal }) => {
    const handedOver = listeningHandover.parse(suspended)
    const { path, mode, backlog } = config
    const isKept = canKeep(handedOver, { path, backlog })
    if (isKept) await setMode(path, mode)
    const kept = isKept
      ? { listening: handedOver, waiting: handedOver.waiting }
      : await listenInstead(handedOver, () => listenAtPath(config), signal)
    return new UnixSocketListener(kept, config, name, logger.child({ component: name }))
  },
})
