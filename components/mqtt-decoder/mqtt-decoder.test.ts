import { describe, expect, it } from 'vitest'
import type { DecoderStage } from '../../src/kinds/pipeline-stage.ts'
import { type DecoderLimits, decoderContract } from '../../test/contract/decoder.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { mqttDecoder } from './index.ts'

const context = lifecycleContext('decoder')

describe('mqtt-decoder', () => {
  decoderContract(
    (limits: DecoderLimits) => mqttDecoder.start(mqttDecoder.config.parse(limits), {}, context) as DecoderStage,
  )

  it.each([
    { maximumPacketSize: 39 },
    { maximumPacketSize: 268_435_461 },
    { maximumConnectPacketSize: 1.5 },
    { maximumPacketLength: 1000 },
  ])('refuses the config %j', (config) => {
    expect(mqttDecoder.config.safeParse(config).success).toBe(false)
  })
})
