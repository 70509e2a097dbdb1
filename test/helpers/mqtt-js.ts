import { EventEmitter, once } from 'node:events'
import type { Socket } from 'node:net'
import mqtt, { type IClientOptions, type IConnackPacket, type IPublishPacket, type MqttClient } from 'mqtt'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'

/** A message as mqtt.js hands it over, with its payload as text. */
export interface Received {
  readonly topic: string
  readonly payload: string
  readonly qos: number
  readonly retain: boolean
  readonly dup: boolean
  readonly properties: NonNullable<IPublishPacket['properties']>
}

/** A client of mqtt.js of any version, whose messages come one by one. */
export class RealClient {
  readonly mqtt: MqttClient
  /** The answer to CONNECT. */
  readonly connack: IConnackPacket
  readonly #inbox: Inbox

  private constructor(client: MqttClient, connack: IConnackPacket, inbox: Inbox) {
    this.mqtt = client
    this.connack = connack
    this.#inbox = inbox
  }

  /** Connects. Rejects when the broker refuses it. */
  static async connect(port: number, version: ProtocolVersion, options: IClientOptions = {}): Promise<RealClient> {
    const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
      protocolVersion: version,
      protocolId: version === 3 ? 'MQIsdp' : 'MQTT',
      reconnectPeriod: 0,
      ...options,
    })
    // Set at once: messages that wait in a session come right behind CONNACK.
    const inbox: Inbox = { received: [], arrivals: new EventEmitter() }
    client.on('message', (topic, payload, { qos, retain, dup, properties = {} }) => {
      inbox.received.push({ topic, payload: payload.toString(), qos, retain, dup, properties })
      inbox.arrivals.emit('message')
    })
    const [connack] = (await eventOf(client, 'connect')) as [IConnackPacket]
    // Otherwise each message waits for the acknowledgement of the last packet, 40 milliseconds.
    ;(client.stream as Socket).setNoDelay(true)
    return new RealClient(client, connack, inbox)
  }

  /** The next message. */
  async next(): Promise<Received> {
    while (this.#inbox.received.length === 0) await once(this.#inbox.arrivals, 'message')
    return this.#inbox.received.shift()!
  }

  /** Resolves when mqtt.js emits this event, with its arguments. Rejects upon an error. */
  event(name: string): Promise<unknown[]> {
    return eventOf(this.mqtt, name)
  }

  /** So many messages. */
  async take(count: number): Promise<Received[]> {
    const messages: Received[] = []
    while (messages.length < count) messages.push(await this.next())
    return messages
  }

  /** The payloads before a message that this client sends to itself now. All messages under way have come then. */
  async payloads(): Promise<string[]> {
    const end = `end/${this.mqtt.options.clientId}`
    await this.mqtt.subscribeAsync(end)
    await this.mqtt.publishAsync(end, end)
    const payloads: string[] = []
    for (let { payload } = await this.next(); payload !== end; { payload } = await this.next()) payloads.push(payload)
    return payloads
  }

  /** Leaves with DISCONNECT. */
  async end(): Promise<void> {
    await this.mqtt.endAsync()
  }

  /** Breaks the connection, as if the network had failed. */
  async vanish(): Promise<void> {
    const closed = this.event('close')
    this.mqtt.stream.destroy()
    await closed
  }
}

interface Inbox {
  readonly received: Received[]
  readonly arrivals: EventEmitter
}

const eventOf = (client: MqttClient, name: string): Promise<unknown[]> => once(client as unknown as EventEmitter, name)
