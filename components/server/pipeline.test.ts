import { describe, expect, it } from 'vitest'
import type {
  ControlPacket,
  FilterStage,
  PacketReceiver,
  PipelineStage,
  StageEnd,
} from '../../src/kinds/pipeline-stage.ts'
import type { ProtocolError } from '../../src/mqtt/protocol-error.ts'
import { Publish } from '../../src/mqtt/publish.ts'
import { malformedPacket } from '../../src/mqtt/refusal.ts'
import { FakeConnection } from '../../test/helpers/fake-connection.ts'
import { runOf } from '../../test/helpers/mailbox.ts'
import { openPipeline, readPipeline } from './pipeline.ts'

const pingreq: ControlPacket = { cmd: 'pingreq' }
const publish = new Publish()

/** Stages that write their names into `trace` as a byte comes in and goes back out. */
const tracing = (trace: string[]) => {
  const passOn = (name: string) => (_: unknown, next: PacketReceiver) => ({
    packet: (packet: ControlPacket) => {
      trace.push(name)
      next.packet(packet)
    },
    publish: (publish: Publish) => {
      trace.push(name)
      next.publish(publish)
    },
  })
  const decoder: PipelineStage = {
    role: 'decoder',
    open: (_, next) => ({
      bytes: ({ length }) => {
        trace.push('decoder')
        if (length === 1) next.packet(pingreq)
        else next.publish(publish)
        return length
      },
    }),
  }
  const encoder: PipelineStage = {
    role: 'encoder',
    open: (_, next) => {
      const out = (): void => {
        trace.push('encoder')
        next.bytes(Buffer.from('out'))
      }
      return { packet: out, publish: out }
    },
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
  it.each(['a', 'ab'])(
    'leads what comes in through the stages in their order, filters on both sides of the handler (%s)',
    (chunk) => {
      const trace: string[] = []
      const { decoder, handler, encoder, filter } = tracing(trace)
      const stages = [decoder, filter('in 1'), filter('in 2'), handler, filter('out 1'), filter('out 2'), encoder]
      const connection = new FakeConnection()
      const opened: StageEnd[] = []
      const input = openPipeline(readPipeline(stages, 'here'), connection, opened, () => expect.unreachable())
      input.bytes(Buffer.from(chunk))
      expect(trace).toEqual(['decoder', 'in 1', 'in 2', 'handler', 'out 1', 'out 2', 'encoder'])
      expect(connection.bytes.toString()).toBe('out')
      expect(opened).toHaveLength(7)
    },
  )

  it('opens the parts behind the handler of filters before it, in the reverse order and before those that are listed there', () => {
    const trace: string[] = []
    const { decoder, handler, encoder, filter } = tracing(trace)
    const both = (name: string): PipelineStage => ({
      role: 'filter',
      open: (filter(`in ${name}`) as FilterStage).open,
      openOutgoing: (filter(`out ${name}`) as FilterStage).open,
    })
    const stages = [decoder, both('1'), filter('in 2'), both('3'), handler, filter('out 4'), both('5'), encoder]
    const input = openPipeline(readPipeline(stages, 'here'), new FakeConnection(), [], () => expect.unreachable())
    input.bytes(Buffer.from('a'))
    expect(trace.join()).toBe('decoder,in 1,in 2,in 3,handler,out 3,out 1,out 4,in 5,encoder')
  })

  it('passes a breach of the protocol on to the handler, past a filter that does not look at it', () => {
    const { decoder, handler, encoder, filter } = tracing([])
    const errors: ProtocolError[] = []
    const failing: PipelineStage = {
      role: 'decoder',
      open: (connection, next) => ({ ...decoder.open(connection, next as never), closed: () => next.fail?.(error) }),
    }
    const answering: PipelineStage = {
      role: 'handler',
      open: (connection, next) => ({ ...handler.open(connection, next as never), fail: (e) => errors.push(e) }),
    }
    const error = malformedPacket('It was cut short.')
    const pipeline = readPipeline([failing, filter('in'), answering, encoder], 'here')
    openPipeline(pipeline, new FakeConnection(), [], () => expect.unreachable()).closed?.()
    expect(errors).toEqual([error])
  })

  it('passes a run of PUBLISH packets on to the next stage, as a whole if the stage accepts it', () => {
    const { decoder, encoder } = tracing([])
    let next: PacketReceiver | undefined
    const handler: PipelineStage = {
      role: 'handler',
      open: (_connection, behind) => {
        next = behind
        return { packet: () => {}, publish: () => {} }
      },
    }
    const run = runOf('a', ['1', '2'])
    const throwing = () => {
      throw new Error('filter failed')
    }
    const errors: unknown[] = []
    const takes = [undefined, (each: unknown) => each === run, () => false, throwing].map((publishRun) => {
      const filter: PipelineStage = {
        role: 'filter',
        open: () => ({ packet: () => {}, publish: () => {}, ...(publishRun === undefined ? {} : { publishRun }) }),
      }
      const pipeline = readPipeline([decoder, handler, filter, encoder], 'here')
      openPipeline(pipeline, new FakeConnection(), [], (error) => errors.push(error))
      return next?.publishRun?.(run)
    })
    expect(takes).toEqual([false, true, false, true])
    expect(errors).toEqual([new Error('filter failed')])
  })

  it('does not pass an error of a stage behind the handler back to the handler', () => {
    const { decoder, handler, encoder } = tracing([])
    const fails = (): never => {
      throw new Error('filter failed')
    }
    const failing: PipelineStage = {
      role: 'filter',
      open: () => ({ packet: fails, publish: fails }),
    }
    const errors: unknown[] = []
    const pipeline = readPipeline([decoder, handler, failing, encoder], 'here')
    const input = openPipeline(pipeline, new FakeConnection(), [], (error) => errors.push(error))
    input.bytes(Buffer.from('a'))
    input.bytes(Buffer.from('ab'))
    expect(errors).toEqual([new Error('filter failed'), new Error('filter failed')])
  })
})
