/** A reset opens the pipelines of live connections anew: with other stages, or in another order. */

import type { Connection } from '../../src/kinds/connection.ts'
import type { DecoderInput, PacketReceiver, PipelineStage, StageEnd } from '../../src/kinds/pipeline-stage.ts'
import { type OpenPipeline, type Pipeline, type Place, passOnErrorsTo } from './pipeline.ts'

/** How each place of a new pipeline continues from a place of the old one. The same for all connections. */
export interface Reopening {
  readonly from: Pipeline
  readonly to: Pipeline
  readonly places: readonly ContinuedPlace[]
}

interface ContinuedPlace extends Place {
  /** The index of the place of the old pipeline that it continues from; -1 for a stage that was not there. */
  readonly from: number
  /** Whether the stage is the same instance: its ends may stay. */
  readonly isSame: boolean
}

/** Looks for the place of the old pipeline that each place of the new one continues from. */
export const planReopening = (from: Pipeline, to: Pipeline): Reopening => {
  const taken = new Set<number>()
  const take = (place: Place, fits: (old: Place) => boolean): number => {
    const index = from.places.findIndex((old, at) => old.part === place.part && !taken.has(at) && fits(old))
    if (index >= 0) taken.add(index)
    return index
  }
  const same = to.places.map((place) => take(place, ({ stage }) => stage === place.stage))
  const places = to.places.map((place, at): ContinuedPlace => {
    const isSame = same[at]! >= 0
    const index = isSame ? same[at]! : take(place, ({ stage }) => mayFollow(stage, place.stage))
    return { ...place, from: index, isSame }
  })
  return { from, to, places }
}

/** The same with no end that stays: the connection itself is another object. */
export const renewed = (plan: Reopening): Reopening => ({
  ...plan,
  places: plan.places.map((place) => ({ ...place, isSame: false })),
})

/** Whether a stage understands what the ends of another instance hand over. A filter says so by its format. */
const mayFollow = (old: PipelineStage, stage: PipelineStage): boolean =>
  old.format === stage.format && (stage.role !== 'filter' || stage.format !== undefined)

/** Whether pipelines have to be opened anew: another stage, or another order. */
export const differs = ({ from, to }: Pick<Reopening, 'from' | 'to'>): boolean =>
  from.places.length !== to.places.length ||
  from.places.some(({ stage, part }, at) => stage !== to.places[at]!.stage || part !== to.places[at]!.part)

/**
 * Why an open pipeline cannot be opened anew: the state of a decoder or handler would be lost.
 * @returns a reason for the operator; undefined if it can be.
 */
export const obstacleTo = (plan: Reopening, { ends }: Pick<OpenPipeline, 'ends'>): string | undefined => {
  for (const { part, from, isSame } of plan.places) {
    if (part !== 'decoder' && part !== 'handler') continue
    if (from < 0) return `the new ${part} does not continue from the connections of the old one`
    const old = ends[from]
    // The handler passes on to an object that stays.
    const stays = isSame && (part === 'handler' || old?.redirect !== undefined || hasSameIncoming(plan))
    if (!stays && old?.handOver === undefined) return `the ${part} does not hand over the state of its connections`
  }
  return undefined
}

/** Whether what comes in goes the same way. */
const hasSameIncoming = ({ from, to }: Reopening): boolean => {
  const wayOf = ({ decoder, incoming, handler }: Pipeline): PipelineStage[] => [decoder, ...incoming, handler]
  const way = wayOf(to)
  const before = wayOf(from)
  return way.length === before.length && way.every((stage, at) => stage === before[at])
}

/** The pipeline of one connection, opened anew over the state of the old one. It can be undone in the same turn of the event loop. */
export class ReopenedPipeline {
  readonly #open: OpenPipeline
  readonly #connection: Connection
  readonly #plan: Reopening
  readonly #oldEnds: readonly StageEnd[]
  #newEnds: readonly StageEnd[] = []
  /** Ends that were made for this, in the order in which they were opened. */
  readonly #opened: StageEnd[] = []
  /** Ends that stay and pass on to another one, with the one before. */
  readonly #redirected: { readonly end: StageEnd; readonly before: StageEnd }[] = []
  /** Ends that another one was opened in the place of, in the order in which that was tried. */
  readonly #handedOver: StageEnd[] = []

  /** @param oldEnds those of the old pipeline, if another object has it. */
  constructor(open: OpenPipeline, connection: Connection, plan: Reopening, oldEnds = open.ends) {
    this.#open = open
    this.#connection = connection
    this.#plan = plan
    this.#oldEnds = oldEnds
  }

  /** @returns where the bytes from the network go now. @throws what a stage throws: then call `undo`. */
  commit(): DecoderInput {
    const ends: StageEnd[] = []
    for (const place of this.#plan.places) ends.push(this.#continue(place, ends.at(-1)))
    this.#newEnds = ends
    this.#open.ends = ends
    this.#open.pipeline = this.#plan.to
    return ends.at(-1) as DecoderInput
  }

  /** Where the bytes from the network go, after `undo`. */
  get input(): DecoderInput {
    return this.#oldEnds.at(-1) as DecoderInput
  }

  /** Goes back to the old ends, also after a `commit` that threw. A stage that throws keeps no other one from that. @returns the errors. */
  undo(): readonly unknown[] {
    const { from } = this.#plan
    this.#open.ends = this.#oldEnds
    this.#open.pipeline = from
    this.#open.nextOf('handler', this.#oldEnds[from.places.findIndex(({ part }) => part === 'handler') - 1])
    return [
      ...forEach(this.#opened.reverse(), (end) => end.left?.()),
      ...forEach(this.#redirected.reverse(), ({ end, before }) => redirect(end, before)),
      ...forEach(this.#handedOver.reverse(), (end) => end.takeBack?.()),
    ]
  }

  /** The reset has been applied: tells the ends that do not stay, each once. @returns the errors. */
  done(): readonly unknown[] {
    const gone = new Set(this.#oldEnds)
    for (const end of this.#newEnds) gone.delete(end)
    return forEach(gone, (end) => end.left?.())
  }

  #continue(place: ContinuedPlace, behind: StageEnd | undefined): StageEnd {
    const next = this.#open.nextOf(place.part, behind)
    const old = this.#oldEnds[place.from]
    if (old === undefined) return this.#new(place, next, undefined)
    // The handler and the encoder pass on to objects that stay.
    if (place.part === 'handler' || place.part === 'encoder')
      return place.isSame ? old : this.#replace(place, next, old)
    const before = this.#oldEnds[place.from - 1]!
    if (place.isSame && next === before) return old
    // The filter had no part in this connection: it returned what is behind it.
    if (old === before) return this.#new(place, next, undefined)
    if (!place.isSame || old.redirect === undefined) return this.#replace(place, next, old)
    this.#redirected.push({ end: old, before })
    redirect(old, next as StageEnd)
    return old
  }

  #replace(place: Place, next: unknown, old: StageEnd): StageEnd {
    this.#handedOver.push(old)
    return this.#new(place, next, old.handOver?.())
  }

  #new(place: Place, next: unknown, handed: unknown): StageEnd {
    const end = place.open(this.#connection, next as never, handed)
    if (end !== next) this.#opened.push(end)
    return end
  }
}

/** Does something to each of them. @returns what was thrown. */
const forEach = <T>(items: Iterable<T>, act: (item: T) => void): readonly unknown[] => {
  const errors: unknown[] = []
  for (const item of items) {
    try {
      act(item)
    } catch (error) {
      errors.push(error)
    }
  }
  return errors
}

const redirect = (end: StageEnd, next: StageEnd): void => {
  end.redirect!(next as never)
  passOnErrorsTo(end as PacketReceiver, next as PacketReceiver)
}
