import { Broker } from '../../src/kinds/broker.ts'
import { Logger } from '../../src/kinds/logger.ts'
import { Webhook } from '../../src/kinds/webhook.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { webhookConfig } from './config.ts'
import { readHandover } from './handover.ts'
import { HttpWebhook } from './http-webhook.ts'
import { measuresOf } from './measures.ts'

/** Sends events of clients and messages to a service over HTTP. A system may have several. */
export const webhook = defineComponent({
  provides: Webhook,
  needs: { broker: Broker, logger: Logger },
  config: webhookConfig,
  describe: ({ url }) => url.host,
  start: (config, { broker, logger }, { name }) => {
    const instance = new HttpWebhook(name, config, broker, logger.child({ component: name }))
    instance.start()
    return instance
  },
  measure: measuresOf,
  exclusive: ({ url }) => [`webhook:${url.href}`],
  adjust: (instance, config, { broker, logger }, { name }) =>
    instance.adjust(config, broker, logger.child({ component: name })),
  stop: (instance) => instance.stop(),
  suspend: (instance) => instance.suspend(),
  resume: (config, { broker, logger }, suspended, { name }) => {
    const instance = new HttpWebhook(name, config, broker, logger.child({ component: name }))
    instance.start(readHandover(suspended))
    return instance
  },
})
