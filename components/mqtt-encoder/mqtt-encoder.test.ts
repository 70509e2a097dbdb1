import { describe } from 'vitest'
import type { EncoderStage } from '../../src/kinds/pipeline-stage.ts'
import { encoderContract } from '../../test/contract/encoder.ts'
import { mqttEncoder } from './index.ts'

const context = { name: 'encoder', signal: new AbortController().signal, measures: () => [] }

describe('mqtt-encoder', () => {
  encoderContract(() => mqttEncoder.start({}, {}, context) as EncoderStage)
})
