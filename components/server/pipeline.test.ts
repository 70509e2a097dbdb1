import type { Packet } from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import type { ByteReceiver, PacketReceiver, PipelineStage } from '../../src/kinds/pipeline-stage.ts'
import { FakeConnection } from '../../test/helpers/fake-connection.ts'
import { openPipeline, readPipeline } from './pipeline.ts'

const pingreq: Packet = { cmd: 'pingreq' }

/** Stages that write their names into `trace` as a byte comes in and goes back out. */
const tracing = (trace: string[]) => {
  const passOn = (name: string) => (_: unknown, next: { packet(packet: Packet): void }) => ({
    packet: (packet: Packet) => {
      trace.push(name)
      next.packet(packet)
    },
  })
  const decoder: PipelineStage = {
    role: 'decoder',
    open: (_, next) => ({
      bytes: () => {
        trace.push('decoder')
        next.packet(pingreq)
      },
    }),
  }
  const encoder: PipelineStage = {
    role: 'encoder',
    open: (_, next) => ({
      packet: () => {
        trace.push('encoder')
        next.bytes(Buffer.from('out'))
      },
    }),
  }
  const filter = (name: string): PipelineStage => ({ role: 'filter', open: passOn(name) })
  const handler: PipelineStage = { role: 'handler', open: passOn('handler') }
  return { decoder, handler, encoder, filter }
}

describe('readPipeline', () => {
  const { decoder, handler, encoder, filter } = tracing([])
  const f = filter('f')

  it.each([
    [[], 'It lists nothing: decoder, handler, encoder missing.'],
    [[decoder, encoder], 'It lists decoder, encoder: handler missing.'],
    [[decoder, f, f], 'It lists decoder, filter, filter: handler, encoder missing.'],
    [[handler, decoder, encoder], 'It lists handler, decoder, encoder: they are out of order.'],
    [[encoder, handler, decoder], 'It lists encoder, handler, decoder: they are out of order.'],
    [[f, decoder, handler, encoder], 'It lists filter, decoder, handler, encoder: they are out of order.'],
    [[decoder, handler, encoder, f], 'It lists decoder, handler, encoder, filter: they are out of order.'],
    [[decoder, handler, handler, encoder], 'It lists decoder, handler, handler, encoder: more than one handler.'],
    [
      [decoder, encoder, handler, decoder, encoder],
      'It lists decoder, encoder, handler, decoder, encoder: more than one decoder, encoder.',
    ],
  ])('refuses a list that is no pipeline (%#)', (stages: PipelineStage[], what) => {
    expect(() => readPipeline(stages, 'server.dependencies.pipeline')).toThrow(
      `server.dependencies.pipeline must list a decoder, a handler and an encoder in this order, one of each, and ` +
        `filters only between the decoder and the encoder. ${what}`,
    )
  })
})

describe('openPipeline', () => {
  it('leads what comes in through the stages in their order, filters on both sides of the handler', () => {
    const trace: string[] = []
    const { decoder, handler, encoder, filter } = tracing(trace)
    const stages = [decoder, filter('in 1'), filter('in 2'), handler, filter('out 1'), filter('out 2'), encoder]
    const connection = new FakeConnection()
    const opened: (ByteReceiver | PacketReceiver)[] = []
    const input = openPipeline(readPipeline(stages, 'here'), connection, opened, () => expect.unreachable())
    input.bytes(Buffer.from('in'))
    expect(trace).toEqual(['decoder', 'in 1', 'in 2', 'handler', 'out 1', 'out 2', 'encoder'])
    expect(connection.bytes.toString()).toBe('out')
    expect(opened).toHaveLength(7)
  })

  it('does not let what a stage behind the handler throws come back to the handler', () => {
    const { decoder, handler, encoder } = tracing([])
    const failing: PipelineStage = {
      role: 'filter',
      open: () => ({
        packet: () => {
          throw new Error('filter failed')
        },
      }),
    }
    const errors: unknown[] = []
    const pipeline = readPipeline([decoder, handler, failing, encoder], 'here')
    openPipeline(pipeline, new FakeConnection(), [], (error) => errors.push(error)).bytes(Buffer.from('in'))
    expect(errors).toEqual([new Error('filter failed')])
  })
})
