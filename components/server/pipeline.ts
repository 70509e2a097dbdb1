import type { Connection } from '../../src/kinds/connection.ts'
import type {
  ByteReceiver,
  ControlPacket,
  DecoderInput,
  DecoderStage,
  EncoderStage,
  FilterStage,
  HandlerStage,
  PacketReceiver,
  PipelineStage,
  StageEnd,
} from '../../src/kinds/pipeline-stage.ts'
import { type Acknowledgement, acknowledgementName } from '../../src/mqtt/acknowledgement.ts'
import type { ProtocolError } from '../../src/mqtt/protocol-error.ts'
import type { Publish } from '../../src/mqtt/publish.ts'
import type { PublishRun } from '../../src/mqtt/publish-run.ts'

/** The stages of every connection's pipeline, each at its place. */
export interface Pipeline {
  readonly decoder: DecoderStage
  /** Filters of what the peer sends. */
  readonly incoming: readonly FilterStage[]
  readonly handler: HandlerStage
  /** Filters of what is sent to the peer. */
  readonly outgoing: readonly FilterStage[]
  readonly encoder: EncoderStage
  /** All of them, in the order in which they are opened: from the encoder to the decoder. */
  readonly places: readonly Place[]
}

/** Where a stage stands in the pipeline. A filter of both directions has two places: `outgoing part` is the one that the list does not show. */
type Part = PipelineStage['role'] | 'outgoing' | 'outgoing part'

/** A stage at its place in the pipeline. */
export interface Place {
  readonly stage: PipelineStage
  readonly part: Part
  /** Opens the stage for one connection. @param next the end of the place behind it. */
  open(connection: Connection, next: never, handed?: unknown): StageEnd
}

/**
 * Looks for the stages of the pipeline in a list of them.
 * @param place where the list is written, for the error: `server.dependencies.pipeline`.
 * @throws an Error that says what the list has and what is wrong with it.
 */
export const readPipeline = (stages: readonly PipelineStage[], place: string): Pipeline => {
  const roles = stages.map(({ role }) => role)
  const problem = pipelineProblem(roles, roles)
  if (problem !== undefined) throw new Error(`${place} ${problem}`)
  const handlerAt = roles.indexOf('handler')
  const incoming = stages.slice(1, handlerAt) as FilterStage[]
  const outgoing = stages.slice(handlerAt + 1, -1) as FilterStage[]
  const decoder = stages[0] as DecoderStage
  const handler = stages[handlerAt] as HandlerStage
  const encoder = stages.at(-1) as EncoderStage
  return {
    decoder,
    incoming,
    handler,
    outgoing,
    encoder,
    places: placesOf(decoder, incoming, handler, outgoing, encoder),
  }
}

const placesOf = (
  decoder: DecoderStage,
  incoming: readonly FilterStage[],
  handler: HandlerStage,
  outgoing: readonly FilterStage[],
  encoder: EncoderStage,
): readonly Place[] => {
  const place = (stage: Exclude<PipelineStage, FilterStage>): Place => ({
    stage,
    part: stage.role,
    open: (connection, next, handed) => stage.open(connection, next, handed),
  })
  const behind = (stage: FilterStage): Place => ({
    stage,
    part: 'outgoing',
    open: (connection, next, handed) => stage.open(connection, next, handed),
  })
  const before = (stage: FilterStage): Place => ({
    stage,
    part: 'filter',
    open: (connection, next, handed) => openIncoming(stage, connection, next, handed),
  })
  // The one that is next to the handler comes first in the pipeline, so it is opened last.
  const otherParts = incoming.filter(({ openOutgoing }) => openOutgoing !== undefined).map(outgoingPart)
  return [
    place(encoder),
    ...outgoing.map(behind).reverse(),
    ...otherParts,
    place(handler),
    ...incoming.map(before).reverse(),
    place(decoder),
  ]
}

/** The part behind the handler of a filter before it. */
const outgoingPart = (stage: FilterStage): Place => ({
  stage,
  part: 'outgoing part',
  open: (connection, next, handed) => stage.openOutgoing!(connection, next, handed),
})

/**
 * What is wrong with the stages of a pipeline, as the rest of a sentence that begins with the place of their list.
 * @param roles the roles of the stages, in the order of the list.
 * @param shown what the sentence calls each of them.
 * @returns undefined when the pipeline is whole.
 */
export const pipelineProblem = (roles: readonly string[], shown: readonly string[]): string | undefined => {
  const handlerAt = roles.indexOf('handler')
  const filters = [...roles.slice(1, Math.max(handlerAt, 1)), ...roles.slice(handlerAt + 1, -1)]
  const inOrder = roles[0] === 'decoder' && handlerAt > 0 && roles.at(-1) === 'encoder'
  if (inOrder && filters.length + 3 === roles.length && filters.every((role) => role === 'filter')) return undefined
  return (
    'must list a decoder, a handler and an encoder in this order, one of each, and filters only between the decoder and ' +
    `the encoder. It lists ${shown.join(', ') || 'nothing'}: ${whatIsWrong(roles)}.`
  )
}

const whatIsWrong = (listed: readonly string[]): string => {
  const roles = ['decoder', 'handler', 'encoder'] as const
  const count = (role: string) => listed.filter((each) => each === role).length
  const missing = roles.filter((role) => count(role) === 0)
  if (missing.length > 0) return `${missing.join(', ')} missing`
  const repeated = roles.filter((role) => count(role) > 1)
  if (repeated.length > 0) return `more than one ${repeated.join(', ')}`
  return 'they are out of order'
}

/**
 * Opens the pipeline for a connection.
 * @param opened takes the receiver of each stage as it opens, the encoder's first: all of them, unless a stage throws.
 * @param guard as for `OpenPipeline`.
 * @returns where the bytes from the network go.
 */
export const openPipeline = (
  pipeline: Pipeline,
  connection: Connection,
  opened: StageEnd[],
  guard: (error: unknown) => void,
): DecoderInput => new OpenPipeline(connection, guard, opened).open(pipeline)

/** The pipeline of one connection. */
export class OpenPipeline {
  /** What its ends were opened by. */
  pipeline: Pipeline | undefined
  /** The ends of its places, in their order: all of them, unless a stage threw when it was opened. */
  ends: readonly StageEnd[]
  readonly #network: ToConnection
  readonly #guarded: GuardedReceiver

  /**
   * @param guard called with what the stages behind the handler throw. The handler of one connection sends to others: the
   * fault of a stage there must not come back to the one which was only publishing.
   * @param opened takes the ends as they open.
   */
  constructor(connection: Connection, guard: (error: unknown) => void, opened: StageEnd[] = []) {
    this.ends = opened
    this.#network = new ToConnection(connection)
    this.#guarded = new GuardedReceiver(guard)
  }

  /** Opens all stages. @returns where the bytes from the network go. @throws what a stage throws. */
  open(pipeline: Pipeline): DecoderInput {
    this.pipeline = pipeline
    const ends = this.ends as StageEnd[]
    for (const { part, open } of pipeline.places) {
      ends.push(open(this.#network.connection, this.nextOf(part, ends.at(-1)) as never))
    }
    return ends.at(-1) as DecoderInput
  }

  /**
   * What the stage at a place passes on to. For the handler, what it is passed on to from there is set.
   * @param behind the end of the place behind it; undefined for the encoder.
   */
  nextOf(part: Part, behind: StageEnd | undefined): StageEnd | ByteReceiver | PacketReceiver {
    if (behind === undefined) return this.#network
    if (part !== 'handler') return behind
    this.#guarded.next = behind as PacketReceiver
    return this.#guarded
  }
}

const openIncoming = (
  stage: FilterStage,
  connection: Connection,
  next: PacketReceiver,
  handed: unknown,
): PacketReceiver => {
  const receiver = stage.open(connection, next, handed)
  // A client that broke the protocol would not be answered if a filter without this method ended its way.
  if (receiver !== next && receiver.fail === undefined) receiver.fail = passOnTo(next)
  return receiver
}

/** What a filter that does not look at errors passes them on with. */
interface PassOn {
  (error: ProtocolError): void
  next: PacketReceiver
}

const passOnTo = (next: PacketReceiver): PassOn => {
  const passOn: PassOn = Object.assign((error: ProtocolError) => passOn.next.fail?.(error), { next })
  return passOn
}

/** Has a filter that stays pass errors on to its new neighbour. */
export const passOnErrorsTo = (filter: PacketReceiver, next: PacketReceiver): void => {
  const { fail } = filter as { fail?: Partial<PassOn> }
  if (fail?.next !== undefined) fail.next = next
}

/** The end of the pipeline. */
class ToConnection implements ByteReceiver {
  readonly connection: Connection

  constructor(connection: Connection) {
    this.connection = connection
  }

  bytes(chunk: Uint8Array): void {
    this.connection.write(chunk)
  }

  forward(source: Uint8Array, start: number, end: number): void {
    this.connection.forward(source, start, end)
  }
}

class GuardedReceiver implements PacketReceiver {
  /** The place behind the handler. */
  next!: PacketReceiver
  readonly #guard: (error: unknown) => void

  constructor(guard: (error: unknown) => void) {
    this.#guard = guard
  }

  packet(packet: ControlPacket): void {
    try {
      this.next.packet(packet)
    } catch (error) {
      this.#guard(error)
    }
  }

  publish(publish: Publish): void {
    try {
      this.next.publish(publish)
    } catch (error) {
      this.#guard(error)
    }
  }

  acknowledge(type: Acknowledgement, packetIdentifier: number, isLast: boolean): void {
    try {
      if (this.next.acknowledge !== undefined) this.next.acknowledge(type, packetIdentifier, isLast)
      else this.next.packet({ cmd: acknowledgementName(type), messageId: packetIdentifier })
    } catch (error) {
      this.#guard(error)
    }
  }

  publishRun(run: PublishRun): boolean {
    try {
      return this.next.publishRun?.(run) ?? false
    } catch (error) {
      this.#guard(error)
      return true
    }
  }

  publishIdentifiedRun(run: PublishRun, packetIdentifiers: Uint16Array): boolean {
    try {
      return this.next.publishIdentifiedRun?.(run, packetIdentifiers) ?? false
    } catch (error) {
      this.#guard(error)
      return true
    }
  }
}
