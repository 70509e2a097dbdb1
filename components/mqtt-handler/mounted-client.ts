import type { QoS } from 'mqtt-packet'
import type { Connection } from '../../src/kinds/connection.ts'
import type { PacketReceiver } from '../../src/kinds/pipeline-stage.ts'
import type { Message } from '../../src/mqtt/message.ts'
import type { PublishFields } from '../../src/mqtt/publish.ts'
import { Client } from './client.ts'
import type { ClientContext } from './client-context.ts'
import type { ClientRecord } from './client-record.ts'
import type { MountPoint } from './mount-point.ts'

/** A client of a listener with a mount point: it gets topics without the prefix, and none outside of it. */
export class MountedClient extends Client {
  readonly #mountPoint: MountPoint

  constructor(
    connection: Connection,
    next: PacketReceiver,
    handler: ClientContext<Client>,
    mountPoint: MountPoint,
    handed?: ClientRecord,
  ) {
    super(connection, next, handler, handed)
    this.#mountPoint = mountPoint
  }

  override prepare(
    message: Message,
    qos: QoS,
    retain: boolean,
    subscriptionIdentifiers: readonly number[],
  ): PublishFields | undefined {
    // The authorizers see the full topic.
    if (!this.mayReceive(message)) return undefined
    // A session that was made over another listener may have other subscriptions.
    const own = this.#mountPoint.ownMessage(message)
    return own && this.fill(own, qos, retain, subscriptionIdentifiers)
  }

  /** The packets of a run are sent as they came in, with the prefix. */
  override deliverRun(): boolean {
    return false
  }

  override takesRun(): boolean {
    return false
  }
}
