/** Parts of store records, with something in every field. */

import type { QueuedMessage, RetainedSource, SessionRecord, StoredWill } from '../../src/kinds/store.ts'
import { Message } from '../../src/mqtt/message.ts'
import type { Subscription } from '../../src/mqtt/subscription.ts'
import { peerAt } from './peer-at.ts'

export const sessionRecord = (fields: Partial<SessionRecord> = {}): SessionRecord => ({
  id: 'client',
  userName: undefined,
  claimedUserName: 'ann',
  attributes: {
    isSuperuser: false,
    groups: ['operators'],
    values: { plant: 'north' },
    rules: [{ action: 'publish', filter: 'a/%u', allow: true, qos: [0, 1], retain: false }],
  },
  peer: peerAt('127.0.0.1:50001'),
  expiryIntervalSeconds: 3600,
  disconnectedAtMs: undefined,
  will: undefined,
  ...fields,
})

export const retainedSource = (fields: Partial<RetainedSource> = {}): RetainedSource => {
  const { claimedUserName, attributes, peer } = sessionRecord()
  return {
    ...{ clientId: 'publisher', userName: undefined, claimedUserName, attributes },
    ...(peer && { peer: { ...peer, port: 0 } }),
    ...fields,
  }
}

/** By default its payload is `message {sequence}`. */
export const queuedMessage = (fields: Partial<QueuedMessage> = {}): QueuedMessage => ({
  sequence: 1,
  message: Message.of({ topic: 'topic', payload: Buffer.from(`message ${fields.sequence ?? 1}`), qos: 1 }),
  qos: 1,
  retain: false,
  subscriptionIdentifiers: [],
  shared: undefined,
  queuedAtMs: 1_700_000_000_000,
  packetIdentifier: 0,
  pubrecOrder: 0,
  ...fields,
})

export const subscriptionTo = (filter: string): Subscription => ({
  filter,
  qos: 1,
  noLocal: false,
  retainAsPublished: false,
  identifier: 0,
})

export const will = (topic: string): StoredWill => ({
  message: Message.of({ topic, payload: Buffer.from('gone') }),
  delaySeconds: 0,
  messageExpiryInterval: -1,
})

/** The comparable parts of a message: all except its serial number and its memory. */
export const messageParts = (message: Message) => ({
  topic: message.topic,
  properties: message.properties.toString('hex'),
  payload: message.payload.toString('hex'),
  qos: message.qos,
  retain: message.retain,
  expiresAtMs: message.expiresAtMs,
})
