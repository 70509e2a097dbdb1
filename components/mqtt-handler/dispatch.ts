import type { ControlPacket, PacketReceiver } from '../../src/kinds/pipeline-stage.ts'
import { type Acknowledgement, acknowledgementName } from '../../src/mqtt/acknowledgement.ts'
import { PacketType } from '../../src/mqtt/packet-type.ts'
import type { ProtocolError } from '../../src/mqtt/protocol-error.ts'
import type { Publish } from '../../src/mqtt/publish.ts'
import type { PublishRun } from '../../src/mqtt/publish-run.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { handleAcknowledgement } from './acknowledge.ts'
import { handleAuth } from './auth.ts'
import type { Client } from './client.ts'
import { type DispatchRecord, RECORD_VERSION } from './client-record.ts'
import { handleConnect } from './connect.ts'
import { handleDisconnect } from './disconnect.ts'
import { acknowledgementWork, packetTypeOf, packetWork, publishWork, runWork } from './packet-work.ts'
import { Phase } from './phase.ts'
import { handlePingreq } from './pingreq.ts'
import { handlePuback } from './puback.ts'
import { handlePubcomp } from './pubcomp.ts'
import { handlePublish, handlePublishRun } from './publish.ts'
import { handlePubrec } from './pubrec.ts'
import { handlePubrel } from './pubrel.ts'
import { refuse } from './refuse.ts'
import { isUnfinished, stopClient } from './stop-client.ts'
import { handleSubscribe } from './subscribe.ts'
import { handleUnsubscribe } from './unsubscribe.ts'

/** Takes the packets of one client: charges and counts each, notes what its answer depends on, and calls its handler. */
export class Dispatch implements PacketReceiver {
  readonly #client: Client
  /** Acknowledgements of one type that came and are neither charged nor counted yet. */
  #acknowledgements: number
  #acknowledgementType: Acknowledgement

  /** @param handed the state of the object that it continues for. */
  constructor(client: Client, handed?: DispatchRecord) {
    this.#client = client
    this.#acknowledgements = handed?.acknowledgements ?? 0
    this.#acknowledgementType = handed?.acknowledgementType ?? PacketType.Puback
  }

  handOver(): DispatchRecord {
    return {
      version: RECORD_VERSION,
      client: this.#client.handOver(),
      acknowledgements: this.#acknowledgements,
      acknowledgementType: this.#acknowledgementType,
    }
  }

  left(): void {
    this.#client.left()
  }

  takeBack(): void {
    this.#client.takeBack()
  }

  redirect(next: PacketReceiver): void {
    this.#client.redirect(next)
  }

  packet(packet: ControlPacket): void {
    const client = this.#client
    client.connection.chargePacket(packetWork(packet))
    client.handler.counters.packetsIn[packetTypeOf(packet)]! += 1
    if (client.phase !== Phase.Connected) {
      beforeConnected(client, packet)
      return
    }
    client.heard()
    client.gate.begin()
    whenConnected(client, packet)
  }

  /** Hundreds may come in one read: what need not be done for each of them is done for the last. */
  acknowledge(type: Acknowledgement, packetIdentifier: number, isLast: boolean): void {
    const client = this.#client
    // A filter may have dropped the last one of another type.
    if (type !== this.#acknowledgementType) {
      if (this.#acknowledgements > 0) this.#chargeAcknowledgements()
      this.#acknowledgementType = type
    }
    this.#acknowledgements += 1
    if (isLast) this.#chargeAcknowledgements()
    if (client.phase !== Phase.Connected) {
      beforeConnected(client, { cmd: acknowledgementName(type), messageId: packetIdentifier })
      return
    }
    if (isLast) client.heard()
    // Nothing answers PUBACK and PUBCOMP.
    if (type === PacketType.Pubrec || type === PacketType.Pubrel) client.gate.begin()
    handleAcknowledgement(client, type, packetIdentifier, isLast)
  }

  publish(publish: Publish): void {
    const client = this.#client
    client.connection.chargePacket(publishWork(publish))
    const { publishesIn, payloadsIn } = client.handler.counters
    publishesIn[publish.qos]! += 1
    payloadsIn[publish.qos]! += publish.message.payloadLength
    if (client.phase !== Phase.Connected) {
      if (client.phase !== Phase.Ended) refuse(client, ReasonCode.ProtocolError, 'client sent publish before CONNACK')
      return
    }
    client.heard()
    client.gate.begin()
    handlePublish(client, publish)
    client.rate?.charge(1, publish.message.size)
  }

  publishRun(run: PublishRun): boolean {
    const client = this.#client
    if (client.phase !== Phase.Connected) return false
    if (client.rate?.allows(run.count, run.size) === false) return false
    client.heard()
    client.gate.begin()
    if (!handlePublishRun(client, run)) return false
    client.connection.chargePacket(runWork(run))
    const { publishesIn, payloadsIn } = client.handler.counters
    publishesIn[run.message.qos]! += run.count
    payloadsIn[run.message.qos]! += run.payloadBytes
    client.rate?.charge(run.count, run.size)
    return true
  }

  fail(error: ProtocolError): void {
    const client = this.#client
    if (client.phase === Phase.Ended) return
    const why = error.hint === undefined ? error.message : `${error.message} ${error.hint}`
    const { reasonCode } = error
    if (client.phase >= Phase.Accepted) {
      client.disconnect(reasonCode, why, { reasonString: error.message })
      return
    }
    if (error.clientId !== undefined) client.identity = { ...client.identity, clientId: error.clientId }
    // In MQTT 3 only an unsupported version is answered. Any other illegal CONNECT gets no answer, even if its reason has a
    // Return Code [3.1.1 MQTT-3.1.4-1].
    client.versionRefused = reasonCode === ReasonCode.UnsupportedProtocolVersion
    if (client.isVersion5 || client.versionRefused) refuse(client, reasonCode, why, error.message)
    else client.end(why, { by: 'broker', reasonCode })
  }

  drained(): void {
    this.#client.session?.outbox.pump()
  }

  stopping(): void {
    stopClient(this.#client)
  }

  unfinished(): boolean {
    return isUnfinished(this.#client)
  }

  closed(): void {
    // An acknowledgement that was not the last one may have ended the connection.
    this.#countAcknowledgements()
    const { by, reason } = this.#client.connection.end ?? { by: 'network', reason: 'network connection lost' }
    this.#client.end(reason, { by })
  }

  #chargeAcknowledgements(): void {
    this.#client.connection.chargePacket(this.#acknowledgements * acknowledgementWork(this.#acknowledgementType))
    this.#countAcknowledgements()
  }

  #countAcknowledgements(): void {
    this.#client.handler.counters.packetsIn[this.#acknowledgementType]! += this.#acknowledgements
    this.#acknowledgements = 0
  }
}

const beforeConnected = (client: Client, packet: ControlPacket): void => {
  const { phase } = client
  if (phase === Phase.Ended) return
  // The first packet must be CONNECT [MQTT-3.1.0-1].
  if (phase === Phase.New && packet.cmd === 'connect') handleConnect(client, packet)
  else if (phase === Phase.Authenticating && packet.cmd === 'auth') handleAuth(client, packet)
  else if (phase !== Phase.New && packet.cmd === 'disconnect') {
    client.end('client sent DISCONNECT', { by: 'client', sentDisconnect: true })
  } else refuse(client, ReasonCode.ProtocolError, `client sent ${packet.cmd} before CONNACK`)
}

/** Handles a packet of a connected client, by its type. PUBLISH packets are handled in `publish.ts`. */
const whenConnected = (client: Client, packet: ControlPacket): void => {
  switch (packet.cmd) {
    case 'puback':
      handlePuback(client, packet)
      break
    case 'pubrec':
      handlePubrec(client, packet)
      break
    case 'pubrel':
      handlePubrel(client, packet)
      break
    case 'pubcomp':
      handlePubcomp(client, packet)
      break
    case 'subscribe':
      handleSubscribe(client, packet)
      break
    case 'unsubscribe':
      handleUnsubscribe(client, packet)
      break
    case 'pingreq':
      handlePingreq(client)
      break
    case 'disconnect':
      handleDisconnect(client, packet)
      break
    case 'auth':
      handleAuth(client, packet)
      break
    default:
      // A second CONNECT [MQTT-3.1.0-2], or what only a server sends.
      client.disconnect(ReasonCode.ProtocolError, `client sent ${packet.cmd}, which it may not send here`)
  }
}
