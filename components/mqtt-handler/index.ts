import { Logger } from '../../src/kinds/logger.ts'
import { PipelineStage } from '../../src/kinds/pipeline-stage.ts'
import { Router } from '../../src/kinds/router.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { handlerConfig } from './config.ts'
import { MqttHandler } from './mqtt-handler.ts'

/** Answers the packets of clients by the rules of MQTT 3.1.1. */
export const mqttHandler = defineComponent({
  provides: PipelineStage,
  needs: { router: Router, logger: Logger },
  config: handlerConfig,
  start: (config, { router, logger }, { name }) => new MqttHandler(config, router, logger.child({ component: name })),
  stop: (instance: MqttHandler) => instance.stop(),
})
