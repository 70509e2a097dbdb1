import type { BrokerParts } from '../../components/broker/broker-core.ts'
import { brokerConfig } from '../../components/broker/config.ts'
import { LocalBroker } from '../../components/broker/local-broker.ts'
import { mqttDecoder } from '../../components/mqtt-decoder/index.ts'
import { mqttEncoder } from '../../components/mqtt-encoder/index.ts'
import { mqttHandler } from '../../components/mqtt-handler/index.ts'
import type { Parts } from '../../components/mqtt-handler/mqtt-handler.ts'
import { packetLog } from '../../components/packet-log/index.ts'
import { LocalRouter } from '../../components/router/local-router.ts'
import { MemoryStore } from '../../components/store-memory/memory-store.ts'
import { traceStage } from '../../components/trace/index.ts'
import { DEFAULT_LISTENER_OPTIONS, type ListenerOptions } from '../../src/kinds/listener-options.ts'
import type {
  ByteReceiver,
  DecoderInput,
  PacketReceiver,
  PipelineStage,
  StageEnd,
} from '../../src/kinds/pipeline-stage.ts'
import type { Tracer } from '../../src/kinds/tracer.ts'
import type { AnyComponent } from '../../src/system/define-system.ts'
import { FakeConnection } from './fake-connection.ts'
import { lifecycleContext } from './lifecycle-context.ts'
import { RecordingLogger } from './recording-logger.ts'
import { splitConfig } from './split-config.ts'

/** The stages of the pipeline, from its end to its start, which is the order in which a pipeline is opened anew. */
export const STAGES = ['mqttEncoder', 'mqttHandler', 'trace', 'packetLog', 'mqttDecoder'] as const
export type StageName = (typeof STAGES)[number]

const COMPONENTS: Readonly<Record<StageName, AnyComponent>> = {
  ...{ mqttEncoder, mqttHandler, trace: traceStage, packetLog, mqttDecoder },
}

/** What a test does to the stages at one point of a history. */
export interface Swap {
  /** The stages that are replaced by new ones. */
  readonly stages: readonly StageName[]
  /** Whether the reset is undone after all connections were opened anew, or after so many. */
  readonly undoneAfter?: number
}

/**
 * A broker whose connections have no network, and whose stages can be replaced while they are open, as a reset does it: state by
 * `handover`, then each connection from the end of its pipeline to the start.
 */
export class SwappingBroker {
  readonly log = new RecordingLogger()
  readonly broker: LocalBroker
  readonly lines: SwappingLine[] = []
  readonly #dependencies: Record<StageName, object>
  readonly #configs: Record<StageName, unknown>
  /** The instances that serve now. */
  readonly stages: Record<StageName, PipelineStage>

  /** @param config of the handler and of the broker. */
  constructor(config: object = {}, parts: Partial<BrokerParts & Parts> = {}) {
    const { brokerPart, handlerPart } = splitConfig(config)
    const { log: logger } = this
    const own = { router: new LocalRouter(), store: new MemoryStore(), logger }
    this.broker = new LocalBroker(brokerConfig.parse(brokerPart), { ...own, ...parts })
    const { authenticators = [], authenticationMethods = [] } = parts
    const tracer = { running: undefined } as Tracer
    this.#dependencies = {
      ...{ mqttEncoder: {}, mqttDecoder: {}, packetLog: { logger: new RecordingLogger() } },
      ...{ trace: { tracer, broker: undefined } },
      mqttHandler: { broker: this.broker, authenticators, authenticationMethods, logger },
    }
    const configOf = (name: StageName): unknown =>
      COMPONENTS[name].config.parse(name === 'mqttHandler' ? handlerPart : {})
    this.#configs = Object.fromEntries(STAGES.map((name) => [name, configOf(name)])) as Record<StageName, unknown>
    this.stages = Object.fromEntries(
      STAGES.map((name) => [
        name,
        COMPONENTS[name].start(this.#configs[name], this.#dependencies[name] as never, lifecycleContext(name)),
      ]),
    ) as Record<StageName, PipelineStage>
  }

  open(listener: Partial<ListenerOptions> = {}): SwappingLine {
    const line = new SwappingLine(this.stages, this.lines.length + 1, listener)
    this.lines.push(line)
    return line
  }

  /** Before a reset, the stages of connections that are lost are told. */
  settle(): void {
    for (const line of this.lines) line.tellEnd()
  }

  /** Passes on all bytes that came and can be read. */
  pump(): void {
    while (this.lines.some((line) => line.pump()));
  }

  /** @throws what a stage throws; the swap is undone then. @returns whether it was applied. */
  swap({ stages: names, undoneAfter = Number.POSITIVE_INFINITY }: Swap): boolean {
    const before = { ...this.stages }
    const undo: (() => void)[] = []
    const open = this.lines.filter(({ connection }) => connection.open)
    const census = this.#census()
    try {
      for (const name of STAGES.filter((each) => names.includes(each))) {
        const handover = COMPONENTS[name].handover!
        const after = handover.prepare(this.#configs[name] as never, this.#dependencies[name], lifecycleContext(name))
        undo.push(() => void (handover.discard ?? handover.retire)(after))
        const state = handover.give(before[name])
        undo.push(handover.take(after, state))
        this.stages[name] = after as PipelineStage
      }
      for (const [index, line] of open.entries()) {
        if (index === undoneAfter) throw new Undone()
        undo.push(line.reopen(before, this.stages))
      }
      const after = JSON.stringify(this.#census())
      if (after !== JSON.stringify(census)) throw new Error(`the census is ${after}, and was ${JSON.stringify(census)}`)
      if (undoneAfter !== Number.POSITIVE_INFINITY) throw new Undone()
    } catch (error) {
      for (const each of undo.reverse()) each()
      Object.assign(this.stages, before)
      if (error instanceof Undone) return false
      throw error
    }
    for (const line of this.lines) line.done()
    for (const name of names) COMPONENTS[name].handover!.retire(before[name])
    return true
  }

  /** Adjusts a stage. @param config of it, undefined for the same. @param dependencies that are others. */
  adjust(name: StageName, config?: object, dependencies: object = {}, isUndone = false): void {
    const checked = config === undefined ? this.#configs[name] : COMPONENTS[name].config.parse(config)
    const present = { ...this.#dependencies[name], ...dependencies }
    const adjustment = COMPONENTS[name].adjust!(this.stages[name], checked, present as never, lifecycleContext(name))
    if (adjustment instanceof Promise) throw new Error('it takes time')
    adjustment.commit()
    if (isUndone) {
      adjustment.undo()
      return
    }
    this.#configs[name] = checked
    this.#dependencies[name] = present
    void adjustment.done?.()
  }

  stop(): void {
    for (const name of STAGES) COMPONENTS[name].stop?.(this.stages[name], lifecycleContext(name))
    this.broker.stop()
  }

  #census(): unknown {
    return STAGES.map((name) => COMPONENTS[name].handover!.census?.(this.stages[name]))
  }
}

class Undone extends Error {}

type End = Partial<DecoderInput & PacketReceiver> & StageEnd

/** A connection, its pipeline, and the bytes of its peer that were not read yet. */
export class SwappingLine {
  readonly connection: FakeConnection
  #unread = Buffer.alloc(0)
  #isTold = false
  #ends: Record<StageName, End>
  /** Ends in whose place another one is. */
  #gone: End[] = []
  readonly #network: ByteReceiver

  constructor(stages: Readonly<Record<StageName, PipelineStage>>, id: number, listener: Partial<ListenerOptions>) {
    const connection = new FakeConnection(id)
    this.connection = connection
    connection.listener = { ...DEFAULT_LISTENER_OPTIONS, allowAnonymous: true, ...listener }
    this.#network = {
      bytes: (chunk) => connection.write(chunk),
      forward: (source, start, end) => connection.forward(source, start, end),
    }
    let next: unknown = this.#network
    const ends: Partial<Record<StageName, End>> = {}
    for (const name of STAGES) {
      ends[name] = stages[name].open(connection, next as never) as End
      next = ends[name]
    }
    this.#ends = ends as Record<StageName, End>
  }

  /** The peer sends bytes. */
  send(bytes: Uint8Array): void {
    this.#unread = Buffer.concat([this.#unread, bytes])
  }

  /** @returns whether something was read. */
  pump(): boolean {
    const { connection } = this
    this.tellEnd()
    if (!connection.open || connection.paused || this.#unread.length === 0) return false
    // The memory of the network is used again for the next read.
    const chunk = Buffer.from(this.#unread)
    const taken = this.#ends.mqttDecoder.bytes!(chunk)
    this.#unread = this.#unread.subarray(taken)
    chunk.fill(0xff)
    return taken > 0
  }

  /** Tells the stages of a connection that has ended, once. */
  tellEnd(): void {
    if (this.connection.open || this.#isTold) return
    this.#isTold = true
    for (const name of [...STAGES].reverse()) this.#ends[name].closed?.()
  }

  /** The peer reads again. */
  drain(): void {
    this.connection.congested = false
    for (const name of [...STAGES].reverse()) this.#ends[name].drained?.()
  }

  /** The network connection is lost. */
  lose(): void {
    this.connection.end ??= { by: 'network', reason: 'network connection lost' }
    this.connection.open = false
  }

  /** Opens the pipeline anew where a stage is another one. @returns undoes it. */
  reopen(
    before: Readonly<Record<StageName, PipelineStage>>,
    present: Readonly<Record<StageName, PipelineStage>>,
  ): () => void {
    const ends = this.#ends
    const changed: Partial<Record<StageName, End>> = {}
    const gone: End[] = []
    const undo: (() => void)[] = []
    let next: unknown = this.#network
    let formerNext: unknown = this.#network
    for (const name of STAGES) {
      const old = ends[name]
      let end = old
      if (before[name] !== present[name]) {
        gone.push(old)
        undo.push(() => old.takeBack?.())
        end = present[name].open(this.connection, next as never, old.handOver?.()) as End
        const opened = end
        undo.push(() => opened.left?.())
      } else if (next !== formerNext) {
        const redirected = formerNext as never
        old.redirect!(next as never)
        undo.push(() => old.redirect!(redirected))
      }
      formerNext = old
      next = end
      changed[name] = end
    }
    this.#ends = changed as Record<StageName, End>
    this.#gone.push(...gone)
    return () => {
      for (const each of undo.reverse()) each()
      this.#ends = ends
      this.#gone = []
    }
  }

  /** The reset was applied. */
  done(): void {
    for (const end of this.#gone.splice(0)) end.left?.()
  }
}
