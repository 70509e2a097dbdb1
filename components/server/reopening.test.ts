import { describe, expect, it } from 'vitest'
import type { FilterStage, PacketReceiver, PipelineStage, StageEnd } from '../../src/kinds/pipeline-stage.ts'
import { malformedPacket } from '../../src/mqtt/refusal.ts'
import { FakeConnection } from '../../test/helpers/fake-connection.ts'
import { OpenPipeline, readPipeline } from './pipeline.ts'
import { differs, obstacleTo, planReopening, ReopenedPipeline } from './reopening.ts'

/** What a stage of the test does beside noting what happens to its ends. */
interface Ability {
  readonly redirects?: boolean
  readonly handsOver?: boolean
  readonly format?: string
  readonly isAbsent?: boolean
  readonly fails?: boolean
}

const events: string[] = []

const stage = (role: PipelineStage['role'], name: string, ability: Ability = {}): PipelineStage => {
  const { redirects = false, handsOver = false, format, isAbsent = false, fails = false } = ability
  const open = (_: unknown, behind: PacketReceiver, handed?: unknown): PacketReceiver => {
    let next = behind
    events.push(`${name} opens${handed === undefined ? '' : ` with ${String(handed)}`}`)
    if (fails) throw new Error(`${name} does not open`)
    if (isAbsent) return next
    const end: PacketReceiver & { bytes(chunk: Uint8Array): number } = {
      packet: (packet) => {
        events.push(name)
        if (role !== 'encoder') next.packet(packet)
      },
      publish: () => undefined,
      bytes: ({ length }) => {
        end.packet({ cmd: 'pingreq' })
        return length
      },
      left: () => events.push(`${name} left`),
      takeBack: () => events.push(`${name} takes back`),
      ...(redirects && {
        redirect: (to: PacketReceiver) => {
          next = to
        },
      }),
      ...(handsOver && { handOver: () => `what ${name} had` }),
    }
    return end
  }
  return { role, open, ...(format !== undefined && { format }) } as PipelineStage
}

const connection = new FakeConnection()

const opened = (stages: readonly PipelineStage[]): OpenPipeline => {
  const pipeline = new OpenPipeline(connection, () => expect.unreachable())
  pipeline.open(readPipeline(stages, 'here'))
  events.length = 0
  return pipeline
}

const reopened = (pipeline: OpenPipeline, stages: readonly PipelineStage[]) => {
  const plan = planReopening(pipeline.pipeline!, readPipeline(stages, 'here'))
  return { plan, change: new ReopenedPipeline(pipeline, connection, plan) }
}

/** What happened since the last call. */
const happened = (): string => events.splice(0).join(', ')
/** The stages that a packet passes. */
const way = (input: StageEnd | undefined): string => {
  ;(input as unknown as { bytes(chunk: Uint8Array): number }).bytes(Buffer.from('a'))
  return happened()
}

describe('a pipeline that is opened anew', () => {
  const decoder = stage('decoder', 'decoder', { redirects: true, handsOver: true })
  const handler = stage('handler', 'handler', { handsOver: true })
  const encoder = stage('encoder', 'encoder')
  const other = stage('handler', 'other', { handsOver: true })

  it('keeps the ends of all stages that stay, and redirects those whose neighbour is another one', () => {
    const pipeline = opened([decoder, handler, encoder])
    const { change } = reopened(pipeline, [decoder, other, encoder])
    const input = change.commit()
    expect(happened()).toBe('other opens with what handler had')
    expect(way(input)).toBe('decoder, other, encoder')
    change.done()
    expect(happened()).toBe('handler left')
  })

  it('goes back to the ends before when it is undone', () => {
    const pipeline = opened([decoder, handler, encoder])
    const { change } = reopened(pipeline, [decoder, other, stage('encoder', 'last')])
    change.commit()
    happened()
    expect(change.undo()).toEqual([])
    const { input } = change
    expect(happened()).toBe('other left, last left, handler takes back, encoder takes back')
    expect(way(input)).toBe('decoder, handler, encoder')
    expect(pipeline.ends).toHaveLength(3)
  })

  it('is undone when a stage does not open', () => {
    const pipeline = opened([decoder, handler, encoder])
    const failing = stage('decoder', 'failing', { fails: true })
    const { change } = reopened(pipeline, [failing, other, stage('encoder', 'last')])
    expect(() => change.commit()).toThrow('failing does not open')
    happened()
    expect(change.undo()).toEqual([])
    const { input } = change
    expect(happened()).toBe('other left, last left, decoder takes back, handler takes back, encoder takes back')
    expect(way(input)).toBe('decoder, handler, encoder')
  })

  it('opens a stage that stays anew when it cannot be redirected', () => {
    const rigid = stage('decoder', 'rigid', { handsOver: true })
    const pipeline = opened([rigid, handler, encoder])
    const { change } = reopened(pipeline, [rigid, stage('filter', 'f'), handler, encoder])
    const input = change.commit()
    expect(happened()).toBe('f opens, rigid opens with what rigid had')
    expect(way(input)).toBe('rigid, f, handler, encoder')
    change.done()
    expect(happened()).toBe('rigid left')
  })

  it('leaves the ends of filters that are gone, and keeps those that stay with the same neighbour', () => {
    const [first, second, third] = ['1', '2', '3'].map((name) => stage('filter', name, { redirects: true }))
    const pipeline = opened([decoder, first!, second!, handler, third!, encoder])
    const { change } = reopened(pipeline, [decoder, second!, handler, encoder])
    const input = change.commit()
    expect(happened()).toBe('')
    expect(way(input)).toBe('decoder, 2, handler, encoder')
    change.done()
    expect(happened().split(', ').sort()).toEqual(['1 left', '3 left'])
    expect(way(input)).toBe('decoder, 2, handler, encoder')
  })

  it('treats both parts of a filter of both directions alike', () => {
    const both = (name: string): PipelineStage => ({
      role: 'filter',
      open: (stage('filter', `${name} in`) as FilterStage).open,
      openOutgoing: (stage('filter', `${name} out`) as FilterStage).open,
    })
    const pipeline = opened([decoder, handler, encoder])
    const added = reopened(pipeline, [decoder, both('a'), handler, encoder])
    expect(way(added.change.commit())).toBe('a out opens, a in opens, decoder, a in, handler, a out, encoder')
    added.change.done()
    const replaced = reopened(pipeline, [decoder, both('b'), handler, encoder])
    expect(way(replaced.change.commit())).toBe('b out opens, b in opens, decoder, b in, handler, b out, encoder')
    happened()
    replaced.change.done()
    expect(happened().split(', ').sort()).toEqual(['a in left', 'a out left'])
  })

  it('hands the state of a filter only to one of the same format', () => {
    const ofFormat = (name: string, format?: string) =>
      stage('filter', name, { handsOver: true, ...(format !== undefined && { format }) })
    const pipeline = opened([decoder, ofFormat('a', 'x'), ofFormat('b'), handler, encoder])
    const { change } = reopened(pipeline, [decoder, ofFormat('c', 'x'), ofFormat('d'), handler, encoder])
    change.commit()
    expect(happened()).toBe('d opens, c opens with what a had')
  })

  it('opens a filter anew that had let packets pass by, without leaving its neighbour', () => {
    const absent = stage('filter', 'absent', { isAbsent: true })
    const pipeline = opened([decoder, absent, handler, encoder])
    const { change } = reopened(pipeline, [decoder, absent, other, encoder])
    expect(way(change.commit())).toBe('other opens with what handler had, absent opens, decoder, other, encoder')
    change.done()
    expect(happened()).toBe('handler left')
  })

  it('passes a breach of the protocol on to the new handler, past a filter that stays', () => {
    const errors: string[] = []
    const failing = (name: string): PipelineStage => ({
      role: 'handler',
      open: () => ({
        packet: () => undefined,
        publish: () => undefined,
        fail: () => errors.push(name),
        handOver: () => 1,
      }),
    })
    const filter = stage('filter', 'f', { redirects: true })
    const pipeline = opened([decoder, filter, failing('old'), encoder])
    const fail = () => (pipeline.ends.at(-2) as PacketReceiver).fail?.(malformedPacket('It was cut short.'))
    const { change } = reopened(pipeline, [decoder, filter, failing('new'), encoder])
    change.commit()
    fail()
    change.undo()
    fail()
    expect(errors).toEqual(['new', 'old'])
  })

  const mute = { decoder: stage('decoder', 'd'), handler: stage('handler', 'h') }
  it.each<[string, PipelineStage[], PipelineStage[], string | undefined]>([
    [
      'a filter behind the handler',
      [mute.decoder, mute.handler, encoder],
      [mute.decoder, mute.handler, stage('filter', 'f'), encoder],
      undefined,
    ],
    [
      'another encoder',
      [mute.decoder, mute.handler, encoder],
      [mute.decoder, mute.handler, stage('encoder', 'e')],
      undefined,
    ],
    [
      'a handler without handOver',
      [decoder, mute.handler, encoder],
      [decoder, other, encoder],
      'the handler does not hand over',
    ],
    [
      'a decoder without handOver',
      [mute.decoder, handler, encoder],
      [decoder, handler, encoder],
      'the decoder does not hand over',
    ],
    [
      'a neighbour of such a decoder',
      [mute.decoder, handler, encoder],
      [mute.decoder, other, encoder],
      'the decoder does not hand over',
    ],
    [
      'a handler of another format',
      [decoder, handler, encoder],
      [decoder, stage('handler', 'h', { format: 'x' }), encoder],
      'the new handler does not continue',
    ],
    [
      'a decoder that can be redirected',
      [decoder, handler, encoder],
      [decoder, stage('filter', 'f'), handler, encoder],
      undefined,
    ],
  ])('knows whether the state of a decoder or handler would be lost: %s', (_, before, after, obstacle) => {
    const pipeline = opened(before)
    const { plan } = reopened(pipeline, after)
    expect(differs(plan)).toBe(true)
    if (obstacle === undefined) expect(obstacleTo(plan, pipeline)).toBeUndefined()
    else expect(obstacleTo(plan, pipeline)).toContain(obstacle)
  })

  it('does not differ for the same stages in the same order', () => {
    const pipeline = opened([decoder, handler, encoder])
    expect(differs(reopened(pipeline, [decoder, handler, encoder]).plan)).toBe(false)
  })
})
