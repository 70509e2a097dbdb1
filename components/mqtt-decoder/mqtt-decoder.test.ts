import { describe } from 'vitest'
import { type DecoderLimits, decoderContract } from '../../test/contract/decoder.ts'
import { ConnectionDecoder, SharedDecoding } from './connection-decoder.ts'

describe('mqtt-decoder', () => {
  decoderContract((limits: DecoderLimits) => {
    const shared = new SharedDecoding(limits)
    return { role: 'decoder', open: (connection, next) => new ConnectionDecoder(connection, next, shared) }
  })
})
