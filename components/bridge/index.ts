import { Bridge } from '../../src/kinds/bridge.ts'
import { Broker } from '../../src/kinds/broker.ts'
import { Logger } from '../../src/kinds/logger.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { bridgeConfig } from './config.ts'
import { measuresOf } from './measures.ts'
import { RemoteBridge } from './remote-bridge.ts'

/** Carries messages to another broker and from it. A system may have several. */
export const bridge = defineComponent({
  provides: Bridge,
  needs: { broker: Broker, logger: Logger },
  config: bridgeConfig,
  describe: ({ servers }) => servers.map(({ host, port }) => `${host}:${port}`).join(', '),
  start: async (config, { broker, logger }, { name }) => {
    const instance = new RemoteBridge(name, config, broker, logger.child({ component: name }))
    await instance.start()
    return instance
  },
  exclusive: ({ servers }) => servers.map(({ host, port }) => `bridge:${host}:${port}`),
  adjust: (instance, config, { broker, logger }, { name }) =>
    instance.adjust(config, broker, logger.child({ component: name })),
  measure: measuresOf,
  stop: (instance) => instance.stop(),
})
