import { describe } from 'vitest'
import type { EncoderStage } from '../../src/kinds/pipeline-stage.ts'
import { encoderContract } from '../../test/contract/encoder.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { mqttEncoder } from './index.ts'

const context = lifecycleContext('encoder')

describe('mqtt-encoder', () => {
  encoderContract(() => mqttEncoder.start({}, {}, context) as EncoderStage)
})
