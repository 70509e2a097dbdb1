import { AuthenticationMethod } from '../../src/kinds/authentication-method.ts'
import { Authenticator } from '../../src/kinds/authenticator.ts'
import { Broker } from '../../src/kinds/broker.ts'
import { Logger } from '../../src/kinds/logger.ts'
import { HandlerStage } from '../../src/kinds/pipeline-stage.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { many } from '../../src/system/kind.ts'
import { adjustHandler } from './adjustment.ts'
import { handlerConfig } from './config.ts'
import type { HandlerRecord } from './handler-record.ts'
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
    new MqttHandler(config, { ...parts, logger: logger.child({ component: name }) }).start(),
  adjust: (handler, config, { logger, ...parts }, { name }) =>
    adjustHandler(handler, config, { ...parts, logger: logger.child({ component: name }) }),
  handover: {
    format: 'mqtt-handler',
    // Of `HandlerRecord`. That of the clients is `RECORD_VERSION`.
    version: 1,
    prepare: (config, { logger, ...parts }, { name }) =>
      new MqttHandler(config, { ...parts, logger: logger.child({ component: name }) }),
    give: (handler): HandlerRecord => handler.handOver(),
    take: (handler, record: HandlerRecord) => handler.continueWith(record),
    retire: (handler) => handler.stop(),
    census: ({ clients, counters }) => ({
      connections: clients.size,
      connected: counters.connectedByVersion.reduce((sum, clientsOf) => sum + clientsOf, 0),
    }),
  },
  measure: measuresOf,
  stop: (instance) => instance.stop(),
})
