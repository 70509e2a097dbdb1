import { AuthenticationMethod } from '../../src/kinds/authentication-method.ts'
import { Authenticator } from '../../src/kinds/authenticator.ts'
import { Broker } from '../../src/kinds/broker.ts'
import { Logger } from '../../src/kinds/logger.ts'
import { HandlerStage } from '../../src/kinds/pipeline-stage.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { many } from '../../src/system/kind.ts'
import { handlerConfig } from './config.ts'
import { measuresOf } from './measures.ts'
import { MqttHandler } from './mqtt-handler.ts'

/** Answers the packets of clients by the rules of MQTT 3.1, 3.1.1 and 5.0. */
export const mqttHandler = defineComponent({
  provides: HandlerStage,
  needs: {
    broker: Broker,
    authenticators: many(Authenticator),
    authenticationMethods: many(AuthenticationMethod),
    logger: Logger,
  },
  config: handlerConfig,
  start: (config, { logger, ...parts }, { name }) =>
    new MqttHandler(config, { ...parts, logger: logger.child({ component: name }) }),
  measure: measuresOf,
  stop: (instance) => instance.stop(),
})
