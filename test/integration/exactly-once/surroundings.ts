import type { IPublishPacket, Packet } from 'mqtt-packet'
import type { ControlledStore } from '../../helpers/controlled-store.ts'
import type { MemoryBroker } from '../../helpers/memory-broker.ts'
import type { Wire } from './wire.ts'

/** What surrounds a client: the world, as far as clients and those who watch them know it. */
export interface Surroundings {
  readonly broker: MemoryBroker
  readonly store: ControlledStore
  /** Of the handler. */
  readonly config: { readonly maximumInflight: number }
  /** By payload. */
  readonly published: ReadonlyMap<string, PublishedMessage>
  /** The QoS that a subscriber gets a message with [MQTT-3.8.4-8]. */
  deliveryQoS(message: PublishedMessage, subscriber: ClientSettings): 1 | 2
}

export interface ClientSettings {
  readonly id: string
  readonly version: 4 | 5
  /** Messages at QoS 1 and 2 that it takes before it has acknowledged the first. */
  readonly receiveMaximum: number
  readonly topicAliasMaximum: number
  /** The QoS it subscribes to each filter with. */
  readonly subscriptions: Readonly<Record<string, 1 | 2>>
}

/** A message as its publisher made it; its payload is unique. */
export interface PublishedMessage {
  readonly publisher: string
  /** Counts up for each publisher. */
  readonly number: number
  readonly topic: string
  readonly qos: 1 | 2
  readonly payload: Buffer
}

export const TOPICS = ['long/1', 'long/2', 'y'] as const

/** Hears what the broker sends, when it sends it. */
export interface BrokerListener {
  brokerSends(packet: Packet, wire: Wire): void
}

export const payloadOf = ({ payload }: IPublishPacket): string => payload.toString()

/** @throws an Error that says which client saw what. */
export const fail = ({ id, version }: ClientSettings, what: string): never => {
  throw new Error(`${id} (MQTT ${version}) ${what}`)
}
