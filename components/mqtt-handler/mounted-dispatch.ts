import type { ConnectPacket, ControlPacket } from '../../src/kinds/pipeline-stage.ts'
import { Publish, type PublishFields } from '../../src/mqtt/publish.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { Client } from './client.ts'
import type { DispatchRecord } from './client-record.ts'
import { Dispatch } from './dispatch.ts'
import type { MountPoint } from './mount-point.ts'
import { Phase } from './phase.ts'
import { refuse } from './refuse.ts'

const TOO_LONG = 'a topic is too long with the mount point of the listener'

/** Takes the packets of a client whose listener has a mount point: puts the prefix before each topic and Topic Filter. */
export class MountedDispatch extends Dispatch {
  readonly #client: Client
  readonly #mountPoint: MountPoint

  constructor(client: Client, mountPoint: MountPoint, handed?: DispatchRecord) {
    super(client, handed)
    this.#client = client
    this.#mountPoint = mountPoint
  }

  override packet(packet: ControlPacket): void {
    const mountPoint = this.#mountPoint
    if (packet.cmd === 'subscribe') {
      for (const request of packet.subscriptions) request.topic = mountPoint.fullFilter(request.topic)
    } else if (packet.cmd === 'unsubscribe') {
      packet.unsubscriptions = packet.unsubscriptions.map((filter) => mountPoint.fullFilter(filter))
    } else if (packet.cmd === 'connect' && packet.will !== undefined && !this.#mountWill(packet, packet.will)) {
      this.#refuseWill(packet)
      return
    }
    super.packet(packet)
  }

  override publish(publish: Publish): void {
    // A packet without Topic Name has the full topic from the packet that introduced its Topic Alias.
    if (publish.omitsTopic && publish.message.propertiesStart === publish.message.propertiesEnd) {
      super.publish(publish)
      return
    }
    const mounted = this.#mounted(publish)
    if (mounted !== undefined) super.publish(mounted)
    else if (this.#client.phase === Phase.Connected) this.#client.disconnect(ReasonCode.TopicNameInvalid, TOO_LONG)
  }

  /** Each packet is changed by itself. */
  override publishRun(): boolean {
    return false
  }

  #mounted(publish: Publish): Publish | undefined {
    const { message } = publish
    // The message is copied.
    this.#client.connection.chargePacket(1 + (message.size >> 10))
    const full = publish.omitsTopic ? this.#withFullProperties(publish) : this.#mountPoint.fullMessage(message)
    if (full === undefined) return undefined
    const mounted: PublishFields = Object.assign(new Publish(), publish)
    mounted.message = full
    return mounted
  }

  #withFullProperties({ message }: Publish): Publish['message'] | undefined {
    const properties = this.#mountPoint.fullProperties(message.properties)
    return properties && message.with({ properties })
  }

  /** @returns false if a topic of the Will would be too long. */
  #mountWill(packet: ConnectPacket, will: NonNullable<ConnectPacket['will']>): boolean {
    const topic = this.#mountPoint.fullTopic(will.topic)
    const properties = packet.willProperties && this.#mountPoint.fullProperties(packet.willProperties)
    if (topic === undefined || (packet.willProperties !== undefined && properties === undefined)) return false
    packet.will = { ...will, topic }
    if (properties !== undefined) packet.willProperties = properties
    return true
  }

  #refuseWill({ clientId, username }: ConnectPacket): void {
    const client = this.#client
    if (client.phase !== Phase.New) return
    client.identity = { clientId, userName: username, peer: client.connection.peer }
    refuse(client, ReasonCode.TopicNameInvalid, TOO_LONG, '')
  }
}
