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
  return {
    decoder: stages[0],
    incoming,
    handler: stages[handlerAt],
    outgoing: [...outgoingPartsOf(incoming), ...stages.slice(handlerAt + 1, -1)],
    encoder: stages.at(-1),
  } as Pipeline
}

/** The parts behind the handler of the filters before it: the one that is next to the handler comes first. */
const outgoingPartsOf = (filters: readonly FilterStage[]): readonly FilterStage[] =>
  filters
    .filter(({ openOutgoing }) => openOutgoing !== undefined)
    .map(
      (filter): FilterStage => ({ role: 'filter', open: (connection, next) => filter.openOutgoing!(connection, next) }),
    )
    .reverse()

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
 * @param guard called with what the stages behind the handler throw. The handler of one connection sends to others: the
 * fault of a stage there must not come back to the one which was only publishing.
 * @returns where the bytes from the network go.
 */
export const openPipeline = (
  pipeline: Pipeline,
  connection: Connection,
  opened: StageEnd[],
  guard: (error: unknown) => void,
): DecoderInput => {
  let outgoing = pipeline.encoder.open(connection, new ToConnection(connection))
  opened.push(outgoing)
  for (let index = pipeline.outgoing.length - 1; index >= 0; index -= 1) {
    outgoing = pipeline.outgoing[index]!.open(connection, outgoing)
    opened.push(outgoing)
  }
  let incoming = pipeline.handler.open(connection, new GuardedReceiver(outgoing, guard))
  opened.push(incoming)
  for (let index = pipeline.incoming.length - 1; index >= 0; index -= 1) {
    incoming = openIncoming(pipeline.incoming[index]!, connection, incoming)
    opened.push(incoming)
  }
  const decoder = pipeline.decoder.open(connection, incoming)
  opened.push(decoder)
  return decoder
}

const openIncoming = (stage: FilterStage, connection: Connection, next: PacketReceiver): PacketReceiver => {
  const receiver = stage.open(connection, next)
  // A client that broke the protocol would not be answered if a filter without this method ended its way.
  if (receiver !== next) receiver.fail ??= (error) => next.fail?.(error)
  return receiver
}

/** The end of the pipeline. */
class ToConnection implements ByteReceiver {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  bytes(chunk: Uint8Array): void {
    this.#connection.write(chunk)
  }

  forward(source: Uint8Array, start: number, end: number): void {
    this.#connection.forward(source, start, end)
  }
}

class GuardedReceiver implements PacketReceiver {
  readonly #next: PacketReceiver
  readonly #guard: (error: unknown) => void

  constructor(next: PacketReceiver, guard: (error: unknown) => void) {
    this.#next = next
    this.#guard = guard
  }

  packet(packet: ControlPacket): void {
    try {
      this.#next.packet(packet)
    } catch (error) {
      this.#guard(error)
    }
  }

  publish(publish: Publish): void {
    try {
      this.#next.publish(publish)
    } catch (error) {
      this.#guard(error)
    }
  }

  acknowledge(type: Acknowledgement, packetIdentifier: number, isLast: boolean): void {
    try {
      if (this.#next.acknowledge !== undefined) this.#next.acknowledge(type, packetIdentifier, isLast)
      else this.#next.packet({ cmd: acknowledgementName(type), messageId: packetIdentifier })
    } catch (error) {
      this.#guard(error)
    }
  }

  publishRun(run: PublishRun): boolean {
    try {
      return this.#next.publishRun?.(run) ?? false
    } catch (error) {
      this.#guard(error)
      return true
    }
  }

  publishIdentifiedRun(run: PublishRun, packetIdentifiers: Uint16Array): boolean {
    try {
      return this.#next.publishIdentifiedRun?.(run, packetIdentifiers) ?? false
    } catch (error) {
      this.#guard(error)
      return true
    }
  }
}
