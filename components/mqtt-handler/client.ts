import type { IPublishPacket, Packet } from 'mqtt-packet'
import type { Connection } from '../../src/kinds/connection.ts'
import type { PacketReceiver } from '../../src/kinds/pipeline-stage.ts'
import type { Subscriber } from '../../src/kinds/router.ts'
import type { Watch } from '../../src/mqtt/keep-alive.ts'
import type { ProtocolError } from '../../src/mqtt/protocol-error.ts'
import { handleConnect, refuseBeforeConnect } from './connect.ts'
import { handleDisconnect } from './disconnect.ts'
import type { MqttHandler } from './mqtt-handler.ts'
import { handlePingreq } from './pingreq.ts'
import { handlePublish } from './publish.ts'
import { handleSubscribe } from './subscribe.ts'
import { handleUnsubscribe } from './unsubscribe.ts'

/**
 * A client: from the opening of its network connection to the end of it. Dispatches the packets that it sends and takes
 * the messages that it subscribed to.
 */
export class Client implements PacketReceiver, Subscriber {
  readonly connection: Connection
  readonly handler: MqttHandler
  readonly #next: PacketReceiver

  /** The Client Identifier; none until its CONNECT packet is accepted. */
  #id: string | undefined

  /** The Topic Filters it is subscribed to. */
  readonly #filters = new Set<string>()

  /** Watched for its CONNECT packet, then for silence. */
  readonly #watch: Watch<Client>

  // Messages that came faster than it reads.
  #dropped = 0
  #dropping = false

  #ended = false

  constructor(connection: Connection, next: PacketReceiver, handler: MqttHandler) {
    this.connection = connection
    this.#next = next
    this.handler = handler
    this.#watch = handler.keepAlive.watch(this, handler.config.connectDeadlineMs)
  }

  get id(): string | undefined {
    return this.#id
  }

  /** Subscriptions it holds. */
  get subscriptions(): number {
    return this.#filters.size
  }

  /** Messages at QoS 0 that it did not get because it took too long to read. */
  get dropped(): number {
    return this.#dropped
  }

  packet(packet: Packet): void {
    if (this.#ended) return
    if (this.#id === undefined) {
      // The first packet must be CONNECT [MQTT-3.1.0-1].
      if (packet.cmd === 'connect') handleConnect(this, packet)
      else this.end(`client sent ${packet.cmd} before connect`)
      return
    }
    this.handler.keepAlive.heard(this.#watch)
    switch (packet.cmd) {
      case 'publish':
        handlePublish(this, packet)
        break
      case 'subscribe':
        handleSubscribe(this, packet)
        break
      case 'unsubscribe':
        handleUnsubscribe(this, packet)
        break
      case 'pingreq':
        handlePingreq(this)
        break
      case 'disconnect':
        handleDisconnect(this)
        break
      default:
        // A second CONNECT [MQTT-3.1.0-2], what only a server sends, or an answer to what was never sent to this client.
        this.end(`client sent ${packet.cmd}, which it may not send here`)
    }
  }

  fail(error: ProtocolError): void {
    if (this.#ended) return
    if (this.#id === undefined) refuseBeforeConnect(this, error)
    else this.end(`protocol error: ${error.message}`)
  }

  closed(): void {
    this.end('network connection closed')
  }

  /** Sends a packet to the client. */
  send(packet: Packet): void {
    this.#next.packet(packet)
  }

  deliver(message: IPublishPacket): void {
    if (this.connection.congested) {
      this.#drop()
    } else {
      this.#dropping = false
      this.#next.packet(message)
    }
  }

  /** Its CONNECT packet was accepted: it is known by this identifier, and watched for silence. */
  accept(id: string, keepAliveSeconds: number): void {
    this.#id = id
    this.handler.clients.set(id, this)
    this.handler.keepAlive.heard(this.#watch)
    // One and a half times the Keep Alive [MQTT-3.1.2-24]; 0 turns it off.
    this.handler.keepAlive.limit(this.#watch, keepAliveSeconds * 1500)
  }

  subscribe(filter: string): void {
    this.#filters.add(filter)
    this.handler.router.subscribe(filter, this)
  }

  isSubscribed(filter: string): boolean {
    return this.#filters.has(filter)
  }

  unsubscribe(filter: string): void {
    if (this.#filters.delete(filter)) this.handler.router.unsubscribe(filter, this)
  }

  /** The time for its CONNECT packet or for a sign of life is over. */
  expire(): void {
    this.end(
      this.#id === undefined ? 'no CONNECT packet within connectDeadlineMs' : 'silent for 1.5 times the Keep Alive',
    )
  }

  /**
   * Ends the connection, after what was sent, and everything that was kept for it. Ending it twice does no harm.
   * @param level `warn` when the client did nothing wrong and does not get what it wants even so.
   */
  end(reason: string, level: 'info' | 'warn' = 'info'): void {
    if (this.#ended) return
    this.#ended = true
    const { clients, keepAlive, router, log } = this.handler
    keepAlive.cancel(this.#watch)
    for (const filter of this.#filters) router.unsubscribe(filter, this)
    this.#filters.clear()
    // After a takeover the identifier is another's.
    if (this.#id !== undefined && clients.get(this.#id) === this) clients.delete(this.#id)
    this.connection.close(reason)
    const details = { client: this.#id, remote: this.connection.remote, reason }
    log[level](details, this.#id === undefined ? 'Connection ended before CONNECT was accepted' : 'Client disconnected')
  }

  #drop(): void {
    this.#dropped++
    this.handler.dropped++
    if (this.#dropping) return
    // Once for each time that it falls behind, not for each message.
    this.#dropping = true
    const details = { client: this.#id, remote: this.connection.remote, pendingBytes: this.connection.pendingBytes }
    this.handler.log.warn(details, 'Client reads too slowly: messages at QoS 0 are dropped')
  }
}
