import type { ControlPacket, PacketReceiver } from '../../src/kinds/pipeline-stage.ts'
import type { RunningTrace, TracedPacket } from '../../src/kinds/tracer.ts'
import { type Acknowledgement, acknowledgementName } from '../../src/mqtt/acknowledgement.ts'
import { describePacket, describePublish } from '../../src/mqtt/describe-packet.ts'
import { describeReasonCode } from '../../src/mqtt/describe-reason-code.ts'
import type { ProtocolError } from '../../src/mqtt/protocol-error.ts'
import type { Publish } from '../../src/mqtt/publish.ts'
import type { PublishRun } from '../../src/mqtt/publish-run.ts'
import { covers } from '../../src/mqtt/topic-filter-sets.ts'
import type { TracedConnection, TracedRecord } from './traced-connection.ts'

/** One side of a connection. While no trace runs, it passes on each packet after one look at `running`. Runs stay runs. */
export class TraceReceiver implements PacketReceiver {
  readonly #traced: TracedConnection
  #next: PacketReceiver
  readonly #direction: TracedPacket['direction']

  constructor(traced: TracedConnection, next: PacketReceiver, direction: TracedPacket['direction']) {
    this.#traced = traced
    this.#next = next
    this.#direction = direction
  }

  /** Both directions share it. */
  handOver(): TracedRecord {
    return this.#traced.handOver()
  }

  redirect(next: PacketReceiver): void {
    this.#next = next
  }

  packet(packet: ControlPacket): void {
    if (packet.cmd === 'connect' || packet.cmd === 'connack') this.#noteClient(packet)
    if (this.#traced.tracer.running !== undefined) this.#tracePacket(packet)
    this.#next.packet(packet)
  }

  publish(publish: Publish): void {
    const traced = this.#traced
    if (traced.shown > 0 && this.#direction === 'received') traced.shown -= 1
    else if (traced.tracer.running !== undefined) this.#tracePublish(publish)
    this.#next.publish(publish)
  }

  publishRun(run: PublishRun): boolean {
    const { tracer, shown } = this.#traced
    if (tracer.running === undefined && shown === 0) return this.#next.publishRun?.(run) ?? false
    if (this.#direction === 'received') return this.#publishReceived(run)
    const isTaken = this.#next.publishRun?.(run) ?? false
    if (isTaken) this.#traceRun(run, run.packetIdentifiers, 0)
    return isTaken
  }

  publishIdentifiedRun(run: PublishRun, packetIdentifiers: Uint16Array): boolean {
    const isTaken = this.#next.publishIdentifiedRun?.(run, packetIdentifiers) ?? false
    if (isTaken && this.#traced.tracer.running !== undefined) this.#traceRun(run, packetIdentifiers, 0)
    return isTaken
  }

  acknowledge(type: Acknowledgement, packetIdentifier: number, isLast: boolean): void {
    if (this.#traced.tracer.running !== undefined) {
      this.#tracePacket({ cmd: acknowledgementName(type), messageId: packetIdentifier })
    }
    if (this.#next.acknowledge !== undefined) this.#next.acknowledge(type, packetIdentifier, isLast)
    else this.#next.packet({ cmd: acknowledgementName(type), messageId: packetIdentifier })
  }

  fail(error: ProtocolError): void {
    const { reasonCode, message: why, clause } = error
    for (const trace of this.#traced.traces()) {
      if (trace.filter.topic !== undefined || !trace.mayAdd()) continue
      trace.add(this.#lineOf('Protocol error', { reason: describeReasonCode(reasonCode), why, clause }))
    }
    this.#next.fail?.(error)
  }

  /** CONNECT tells who the client is. CONNACK may name it, and by then authentication has found its user. */
  #noteClient(packet: ControlPacket): void {
    const traced = this.#traced
    if (packet.cmd === 'connect') {
      traced.clientId = packet.clientId
      traced.userName = packet.username
    } else if (packet.cmd === 'connack') {
      traced.clientId = packet.properties?.assignedClientIdentifier ?? traced.clientId
    }
    traced.changed()
  }

  #tracePacket(packet: ControlPacket): void {
    for (const trace of this.#traced.traces()) {
      if (!fitsTopic(trace, packet) || !trace.mayAdd()) continue
      trace.add(this.#lineOf(packet.cmd.toUpperCase(), describePacket(packet)))
    }
  }

  #tracePublish(publish: Publish): void {
    const traces = this.#traced.traces()
    if (traces.length === 0) return
    const { message, topicAlias } = publish
    const topic = this.#direction === 'received' ? this.#traced.topicOf(message.topic, topicAlias) : message.topic
    for (const trace of traces) {
      if (!fitsMessage(trace, { topic }) || !trace.mayAdd()) continue
      const fields = describePublish(publish, topic, message.payloadLength)
      trace.add(this.#lineOf('PUBLISH', fields, trace.payloads ? message.payload : undefined))
    }
  }

  /**
   * Traces the packets first: before the acknowledgements and the packets to other clients that they cause. Those that the stages behind
   * leave come again.
   */
  #publishReceived(run: PublishRun): boolean {
    const traced = this.#traced
    this.#traceRun(run, run.packetIdentifiers, traced.shown)
    traced.shown = Math.max(traced.shown, run.count)
    const isTaken = this.#next.publishRun?.(run) ?? false
    if (isTaken) traced.shown -= run.count
    return isTaken
  }

  /** A trace that does not take all lines of a run in this second gets none of them. @param shown the packets to leave out. */
  #traceRun(run: PublishRun, packetIdentifiers: Uint16Array, shown: number): void {
    const traces = this.#traced.traces()
    const count = run.count - shown
    if (traces.length === 0 || count <= 0) return
    for (const trace of traces) {
      if (!fitsMessage(trace, run.message)) continue
      if (trace.takes(count)) this.#addRun(trace, run, packetIdentifiers, shown)
      else trace.miss(count)
    }
  }

  #addRun(trace: RunningTrace, run: PublishRun, packetIdentifiers: Uint16Array, shown: number): void {
    const { qos, topic } = run.message
    let index = 0
    run.each((message) => {
      const packetIdentifier = qos === 0 ? 0 : packetIdentifiers[index]!
      index += 1
      if (index <= shown || !trace.mayAdd()) return
      // The topic is read once, and a payload only if it is wanted.
      const { payloadLength } = message
      const alike = { qos, retain: false, dup: false, topicAlias: 0, packetIdentifier }
      const fields = describePublish(alike, topic, payloadLength)
      trace.add(this.#lineOf('PUBLISH', fields, trace.payloads ? message.payload : undefined))
    })
  }

  #lineOf(packet: string, fields: TracedPacket['fields'], payload?: Uint8Array | undefined): TracedPacket {
    const { clientId, connection } = this.#traced
    const { id: connectionId, peer } = connection
    return { direction: this.#direction, clientId, connectionId, peer, packet, fields, payload }
  }
}

/** Whether a trace of a topic wants a packet: one that subscribes to it, or ends that. */
const fitsTopic = ({ filter: { topic } }: RunningTrace, packet: ControlPacket): boolean => {
  if (topic === undefined) return true
  if (packet.cmd === 'subscribe') return packet.subscriptions.some((each) => each.topic === topic)
  return packet.cmd === 'unsubscribe' && packet.unsubscriptions.includes(topic)
}

/** Whether a trace wants the messages of a topic. One that is not known matches no filter. */
const fitsMessage = ({ filter }: RunningTrace, message: { readonly topic: string }): boolean =>
  filter.topic === undefined || (message.topic !== '' && covers(filter.topic, message.topic))
