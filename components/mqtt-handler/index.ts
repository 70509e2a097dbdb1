import { AuthenticationMethod } from '../../src/kinds/authentication-method.ts'
import { Authorizer } from '../../src/kinds/authorizer.ts'
import { Logger } from '../../src/kinds/logger.ts'
import { HandlerStage } from '../../src/kinds/pipeline-stage.ts'
import { Router } from '../../src/kinds/router.ts'
import { Store } from '../../src/kinds/store.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { exclusive, many, optional } from '../../src/system/kind.ts'
import { handlerConfig } from './config.ts'
import { MqttHandler } from './mqtt-handler.ts'

/** Answers the packets of clients by the rules of MQTT 3.1, 3.1.1 and 5.0. */
export const mqttHandler = defineComponent({
  provides: HandlerStage,
  needs: {
    router: Router,
    // Two handlers over one store would know nothing of each other's clients and retained messages.
    store: exclusive(Store),
    authenticationMethods: many(AuthenticationMethod),
    authorizer: optional(Authorizer),
    logger: Logger,
  },
  config: handlerConfig,
  start: async (config, { logger, ...parts }, { name }) => {
    const handler = new MqttHandler(config, { ...parts, logger: logger.child({ component: name }) })
    try {
      await handler.restore()
    } catch (error) {
      handler.stop()
      throw error
    }
    return handler
  },
  stop: (instance) => instance.stop(),
})
