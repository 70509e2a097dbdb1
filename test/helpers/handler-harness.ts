import type { IConnectPacket, IPublishPacket, ISubscribePacket, Packet } from 'mqtt-packet'
import type { BrokerCore, BrokerParts } from '../../components/broker/broker-core.ts'
import { brokerConfig } from '../../components/broker/config.ts'
import { LocalBroker } from '../../components/broker/local-broker.ts'
import { adjustHandler } from '../../components/mqtt-handler/adjustment.ts'
import { handlerConfig } from '../../components/mqtt-handler/config.ts'
import { MqttHandler, type Parts } from '../../components/mqtt-handler/mqtt-handler.ts'
import { LocalRouter } from '../../components/router/local-router.ts'
import { MemoryStore } from '../../components/store-memory/memory-store.ts'
import { DEFAULT_LISTENER_OPTIONS, type ListenerOptions } from '../../src/kinds/listener-options.ts'
import type { ControlPacket, PacketReceiver } from '../../src/kinds/pipeline-stage.ts'
import type { Store } from '../../src/kinds/store.ts'
import type { Acknowledgement } from '../../src/mqtt/acknowledgement.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import type { PublishRun } from '../../src/mqtt/publish-run.ts'
import { connectPacket } from './connect-packet.ts'
import { FakeConnection, PacketRecorder } from './fake-connection.ts'
import { publishOf } from './publish-packet.ts'
import { RecordingLogger } from './recording-logger.ts'
import { splitConfig } from './split-config.ts'

/** A handler with a real broker, router and store; its clients have no network. */
export class HandlerHarness {
  readonly log = new RecordingLogger()
  /** `swap` puts another one in its place. */
  handler: MqttHandler
  readonly broker: LocalBroker
  readonly store: Store
  readonly #clients: HarnessClient[] = []
  #config: object
  #parts: Partial<BrokerParts & Parts>
  /** Makes the records of a slow store durable. Called for every client that connects, since its CONNACK waits for that. */
  readonly #settle: () => void
  #connections = 0

  /** @param config of the handler and of the broker. @param parts instead of a LocalRouter and a MemoryStore. */
  constructor(config: object = {}, parts: Partial<BrokerParts & Parts> = {}, settle: () => void = () => undefined) {
    this.#settle = settle
    this.#config = config
    this.#parts = parts
    const own = { router: new LocalRouter(), store: new MemoryStore(), logger: this.log }
    this.store = parts.store ?? own.store
    const { brokerPart, handlerPart } = splitConfig(config)
    this.broker = new LocalBroker(brokerConfig.parse(brokerPart), { ...own, ...parts })
    this.handler = new MqttHandler(handlerConfig.parse(handlerPart), {
      logger: this.log,
      ...parts,
      broker: this.broker,
    }).start()
  }

  /** The parts of the broker. */
  get core(): BrokerCore {
    return this.broker.core
  }

  /** A connection before CONNECT. Only the version is set, as by the decoder. @param listener options of its listener. */
  open(version: ProtocolVersion | 0 = 5, listener: Partial<ListenerOptions> = {}): HarnessClient {
    this.#connections += 1
    const client = new HarnessClient(this.handler, version, this.#connections, listener)
    this.#clients.push(client)
    return client
  }

  /**
   * Puts another handler in the place of this one, under its open connections, as a reset does.
   * @param config of the new one. @param parts of it that are others.
   * @param beforeLeaving what happens after the reset is applied, and before the former handler is told that it is.
   */
  swap(
    config: object = this.#config,
    parts: Partial<Parts> = {},
    isUndone = false,
    beforeLeaving: () => void = () => undefined,
  ): void {
    const before = this.handler
    const present = { ...this.#parts, ...parts }
    const after = new MqttHandler(handlerConfig.parse(splitConfig(config).handlerPart), {
      logger: this.log,
      ...{ broker: this.broker, ...present },
    })
    const undo = [() => after.stop(), after.continueWith(before.handOver())]
    const open = this.#clients.filter(({ connection }) => connection.open)
    for (const client of open) undo.push(client.reopen(after))
    if (isUndone) {
      for (const each of undo.reverse()) each()
      return
    }
    this.handler = after
    this.#config = config
    this.#parts = present
    beforeLeaving()
    for (const client of open) client.leave()
    before.stop()
  }

  /** Adjusts the handler, as a reset does. @param config @param parts as for `swap`. */
  adjust(config: object = this.#config, parts: Partial<Parts> = {}, isUndone = false): void {
    const present = { ...this.#parts, ...parts }
    const adjustment = adjustHandler(this.handler, handlerConfig.parse(splitConfig(config).handlerPart), {
      logger: this.log,
      ...{ broker: this.broker, ...present },
    })
    adjustment.commit()
    if (isUndone) {
      adjustment.undo()
      return
    }
    this.#config = config
    this.#parts = present
    adjustment.done()
  }

  /** A connected client. Its CONNACK is removed from the sent packets. */
  connect(
    fields: Partial<IConnectPacket> = {},
    version: ProtocolVersion = 5,
    listener: Partial<ListenerOptions> = {},
  ): HarnessClient {
    const client = this.open(version, listener)
    client.sent.push(...client.take(connectPacket(fields)))
    this.#settle()
    client.connack = client.sent.find(({ cmd }) => cmd === 'connack')
    client.sent.splice(0)
    return client
  }

  stop(): void {
    this.handler.stop()
    this.broker.stop()
  }
}

/** One connection of a handler, and what the handler sends to it. */
export class HarnessClient {
  readonly connection: FakeConnection
  readonly #recorder = new PacketRecorder()
  #receiver: ReturnType<MqttHandler['open']>
  #former: ReturnType<MqttHandler['open']> | undefined
  /** Whether packets that differ only in their payloads may come as a run. They are recorded by their payloads. */
  takesRuns = false
  readonly runs: string[][] = []
  /** The CONNACK that `connect` has removed. */
  connack: Packet | undefined

  constructor(handler: MqttHandler, version: ProtocolVersion | 0, id: number, listener: Partial<ListenerOptions>) {
    this.connection = new FakeConnection(id)
    this.connection.listener = { ...DEFAULT_LISTENER_OPTIONS, ...listener }
    this.connection.protocolVersion = version
    const next: PacketReceiver = this.#recorder
    next.publishRun = (run) => {
      if (!this.takesRuns) return false
      const payloads: string[] = []
      run.each(({ payload }) => void payloads.push(payload.toString()))
      this.runs.push(payloads)
      return true
    }
    this.#receiver = handler.open(this.connection, next)
  }

  /** Another handler continues with the connection. @returns undoes it. */
  reopen(handler: MqttHandler): () => void {
    const former = this.#receiver
    const receiver = handler.open(this.connection, this.#recorder, former.handOver!())
    this.#receiver = receiver
    this.#former = former
    return () => {
      receiver.left!()
      former.takeBack!()
      this.#receiver = former
      this.#former = undefined
    }
  }

  /** The former handler is told that another one continues. */
  leave(): void {
    this.#former?.left?.()
    this.#former = undefined
  }

  /** Packets that were sent to it since the last `take`. */
  get sent(): Packet[] {
    return this.#recorder.packets
  }

  /** Plays packets of the client. @returns what was sent to it since the last call, up to now. */
  take(...packets: Packet[]): Packet[] {
    for (const packet of packets) {
      if (packet.cmd === 'publish') this.#receiver.publish(publishOf(packet))
      else this.#receiver.packet(packet as ControlPacket)
    }
    return this.sent.splice(0)
  }

  /** Plays packets of the client that come together. @returns whether they were taken together. */
  takesRun(run: PublishRun): boolean {
    return this.#receiver.publishRun?.(run) ?? false
  }

  /** Plays an acknowledgement of the client. @param isLast false when another one of its type follows at once. */
  acknowledge(type: Acknowledgement, packetIdentifier: number, isLast: boolean): void {
    this.#receiver.acknowledge?.(type, packetIdentifier, isLast)
  }

  fail(error: Parameters<NonNullable<ReturnType<MqttHandler['open']>['fail']>>[0]): Packet[] {
    this.#receiver.fail?.(error)
    return this.sent.splice(0)
  }

  /** The peer reads again. */
  drain(): Packet[] {
    this.connection.congested = false
    this.#receiver.drained?.()
    return this.sent.splice(0)
  }

  /** The network connection is lost. */
  lose(): void {
    this.connection.open = false
    this.#receiver.closed?.()
  }

  /** Whether a server that stops waits for it. */
  get unfinished(): boolean {
    return this.#receiver.unfinished?.() === true
  }

  stop(): Packet[] {
    this.#receiver.stopping?.()
    return this.sent.splice(0)
  }
}

/** CONNECT of a client whose session outlives the connection. */
export const persistent = (clientId = 'client', fields: Partial<IConnectPacket> = {}): Partial<IConnectPacket> => ({
  clientId,
  clean: false,
  ...fields,
  properties: { sessionExpiryInterval: 3_600, ...fields.properties },
})

export const publishPacket = (fields: Partial<IPublishPacket> = {}): IPublishPacket => {
  const qos = fields.qos ?? 0
  const identifier = qos > 0 ? { messageId: 1 } : {}
  const payload = Buffer.from('payload')
  return { cmd: 'publish', topic: 'a', payload, qos, dup: false, retain: false, ...identifier, ...fields }
}

export const subscribePacket = (
  filters: Record<string, Partial<ISubscribePacket['subscriptions'][number]>>,
  fields: Partial<ISubscribePacket> = {},
): ISubscribePacket => ({
  cmd: 'subscribe',
  messageId: 5,
  subscriptions: Object.entries(filters).map(([topic, options]) => ({ topic, qos: 2, ...options })),
  ...fields,
})

/** Payloads of the PUBLISH packets among these. */
export const payloads = (packets: readonly Packet[]): string[] =>
  packets.flatMap((packet) => (packet.cmd === 'publish' ? [packet.payload.toString()] : []))
