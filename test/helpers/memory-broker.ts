import { broker } from '../../components/broker/index.ts'
import { mqttDecoder } from '../../components/mqtt-decoder/index.ts'
import { mqttEncoder } from '../../components/mqtt-encoder/index.ts'
import { mqttHandler } from '../../components/mqtt-handler/index.ts'
import { router } from '../../components/router/index.ts'
import { openPipeline, type Pipeline, readPipeline } from '../../components/server/pipeline.ts'
import type { DecoderInput, StageEnd } from '../../src/kinds/pipeline-stage.ts'
import type { Store } from '../../src/kinds/store.ts'
import { FakeConnection } from './fake-connection.ts'
import { lifecycleContext } from './lifecycle-context.ts'
import { RecordingLogger } from './recording-logger.ts'
import { splitConfig } from './split-config.ts'

/**
 * The broker without a network: its real pipeline over connections which a test feeds with bytes. Everything happens within the
 * call that causes it, except for the work at the end of a turn, which `endTurn` does.
 */
export class MemoryBroker {
  readonly log = new RecordingLogger()
  readonly #pipeline: Pipeline
  readonly #stop: () => unknown
  readonly #due = new Set<MemoryConnection>()
  #connections = 0

  private constructor(pipeline: Pipeline, stop: () => unknown) {
    this.#pipeline = pipeline
    this.#stop = stop
  }

  /** @param config of the broker and of the handler. */
  static async start(store: Store, config: object): Promise<MemoryBroker> {
    const context = lifecycleContext('test')
    const { brokerPart, handlerPart } = splitConfig(config)
    const logger = new RecordingLogger()
    const parts = {
      router: await router.start(router.config.parse({}), {}, context),
      store,
      authorizers: [],
      logger,
      durabilities: [],
      ownerships: [],
    }
    const own = await broker.start(broker.config.parse(brokerPart), parts, context)
    const handlerParts = { broker: own, authenticators: [], authenticationMethods: [], logger }
    const handler = await mqttHandler.start(mqttHandler.config.parse(handlerPart), handlerParts, context)
    const decoder = await mqttDecoder.start(mqttDecoder.config.parse({}), {}, context)
    const encoder = await mqttEncoder.start({}, {}, context)
    const pipeline = readPipeline([decoder, handler, encoder], 'test')
    return new MemoryBroker(pipeline, async () => {
      await mqttHandler.stop?.(handler, context)
      await broker.stop?.(own, context)
    })
  }

  /** @param written takes what the broker sends, write by write. */
  connect(written: (bytes: Uint8Array) => void): MemoryConnection {
    this.#connections += 1
    return new MemoryConnection(this.#connections, this.#pipeline, this.#due, written)
  }

  /** Resumed connections continue to read, and the stages of closed connections are notified. */
  endTurn(): void {
    for (const connection of this.#due) {
      this.#due.delete(connection)
      connection.endTurn()
    }
  }

  async stop(): Promise<void> {
    await this.#stop()
  }
}

export class MemoryConnection extends FakeConnection {
  readonly #due: Set<MemoryConnection>
  readonly #written: (bytes: Uint8Array) => void
  readonly #input: DecoderInput
  readonly #stages: StageEnd[] = []
  /** Bytes that came while it was paused. */
  #rest: Buffer = Buffer.alloc(0)
  #stagesTold = false

  constructor(id: number, pipeline: Pipeline, due: Set<MemoryConnection>, written: (bytes: Uint8Array) => void) {
    super(id)
    this.#due = due
    this.#written = written
    this.#input = openPipeline(pipeline, this, this.#stages, (error) => {
      throw error
    })
    this.#stages.reverse()
  }

  /** Bytes from the client arrive. */
  receive(bytes: Uint8Array): void {
    if (!this.open) return
    this.bytesReceived += bytes.length
    this.#rest = Buffer.concat([this.#rest, bytes])
    this.#read()
  }

  /** The network connection is gone. */
  lose(): void {
    this.end ??= { by: 'network', reason: 'network connection lost' }
    this.open = false
    this.#due.add(this)
  }

  override write(bytes: Uint8Array): void {
    if (this.open) this.#written(bytes)
  }

  override resume(): void {
    super.resume()
    this.#due.add(this)
  }

  override close(reason: string): void {
    super.close(reason)
    this.lose()
  }

  endTurn(): void {
    this.#read()
    if (this.open || this.#stagesTold) return
    this.#stagesTold = true
    for (const stage of this.#stages) stage.closed?.()
  }

  #read(): void {
    if (!this.open || this.paused || this.#rest.length === 0) return
    const bytes = this.#rest
    this.#rest = Buffer.alloc(0)
    const taken = this.#input.bytes(bytes)
    this.#rest = bytes.subarray(taken)
  }
}
