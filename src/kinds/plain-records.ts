/**
 * The content of a store as plain data, and the schemas that check it when it is read: for a store that passes its content to a
 * successor or writes it to a file. Undefined and Infinity become null. A message may be referred to in many places, by a
 * number that the store chooses: an index in a list, or a key.
 */

import type { QoS } from 'mqtt-packet'
import { z } from 'zod'
import { Message } from '../mqtt/message.ts'
import type { Subscription } from '../mqtt/subscription.ts'
import { identityAttributes } from './identity.ts'
import type { QueuedMessage, RetainedSource, SessionRecord } from './store.ts'

/** The number of a message. */
export type ReferTo = (message: Message) => number

/** The message of a number. Throws when there is none. */
export type Referred = (reference: number) => Message

export const messageToPlain = ({
  topicBytes,
  properties,
  payload,
  qos,
  retain,
  expiresAtMs,
}: Message): PlainMessageRecord => ({
  topic: topicBytes,
  properties,
  payload,
  qos,
  retain,
  expiresAtMs: expiresAtMs === Number.POSITIVE_INFINITY ? null : expiresAtMs,
})

export const messageFromPlain = ({ expiresAtMs, ...parts }: PlainMessageRecord): Message =>
  Message.of({ ...parts, expiresAtMs: expiresAtMs ?? Number.POSITIVE_INFINITY })

/** A session apart from its subscriptions and messages. */
export const sessionToPlain = (record: SessionRecord, referTo: ReferTo): PlainSessionRecord => ({
  id: record.id,
  ...identityToPlain(record),
  expiryIntervalSeconds: record.expiryIntervalSeconds,
  disconnectedAtMs: record.disconnectedAtMs ?? null,
  will: record.will === undefined ? null : { ...record.will, message: referTo(record.will.message) },
})

/** One literal: spreads cost several times as much, and a start makes a record for each session. */
export const sessionFromPlain = (plain: PlainSessionRecord, referred: Referred): SessionRecord =>
  ({
    id: plain.id,
    userName: plain.userName ?? undefined,
    claimedUserName: plain.claimedUserName ?? undefined,
    attributes: plain.attributes ?? undefined,
    peer: plain.peer ?? undefined,
    expiryIntervalSeconds: plain.expiryIntervalSeconds,
    disconnectedAtMs: plain.disconnectedAtMs ?? undefined,
    will: plain.will === null ? undefined : { ...plain.will, message: referred(plain.will.message) },
  }) satisfies Record<keyof SessionRecord, unknown>

/** It is plain data already. Unknown fields are removed. */
export const subscriptionToPlain = ({
  filter,
  qos,
  noLocal,
  retainAsPublished,
  identifier,
}: Subscription): PlainSubscriptionRecord => ({ filter, qos, noLocal, retainAsPublished, identifier })

export const queuedToPlain = (queued: QueuedMessage, referTo: ReferTo): PlainQueuedRecord => ({
  sequence: queued.sequence,
  message: referTo(queued.message),
  qos: queued.qos,
  retain: queued.retain,
  subscriptionIdentifiers: [...queued.subscriptionIdentifiers],
  shared: queued.shared ?? null,
  queuedAtMs: queued.queuedAtMs,
  packetIdentifier: queued.packetIdentifier,
  pubrecOrder: queued.pubrecOrder,
})

export const queuedFromPlain = (plain: PlainQueuedRecord, referred: Referred): QueuedMessage => ({
  ...plain,
  message: referred(plain.message),
  shared: plain.shared ?? undefined,
})

export const sourceToPlain = (source: RetainedSource): PlainSourceRecord => ({
  clientId: source.clientId,
  ...identityToPlain(source),
})

export const sourceFromPlain = (plain: PlainSourceRecord): RetainedSource => ({
  clientId: plain.clientId,
  ...identityFromPlain(plain),
})

type IdentityFields = 'userName' | 'claimedUserName' | 'attributes' | 'peer'

/** The client of a session or of a retained message. */
const identityToPlain = (record: Pick<SessionRecord, IdentityFields>): Pick<PlainSessionRecord, IdentityFields> => ({
  userName: record.userName ?? null,
  claimedUserName: record.claimedUserName ?? null,
  attributes: record.attributes ?? null,
  peer: record.peer ?? null,
})

const identityFromPlain = (plain: Pick<PlainSessionRecord, IdentityFields>) => ({
  userName: plain.userName ?? undefined,
  claimedUserName: plain.claimedUserName ?? undefined,
  attributes: plain.attributes ?? undefined,
  peer: plain.peer ?? undefined,
})

const count = z.int().min(0)
const packetIdentifier = z.int().min(0).max(0xffff)
const qos = z.literal([0, 1, 2] satisfies QoS[])
const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'not bytes')
const reference = count

const message = z.strictObject({
  topic: bytes,
  properties: bytes,
  payload: bytes,
  qos,
  retain: z.boolean(),
  /** null means never. */
  expiresAtMs: z.number().nullable(),
})

const peer = z.strictObject({
  address: z.string(),
  port: count,
  listener: z.string(),
  transport: z.string(),
  tls: z
    .strictObject({
      subject: z.string().optional(),
      commonName: z.string().optional(),
      serial: z.string().optional(),
      fingerprint: z.string().optional(),
      alternativeNames: z.array(z.string()).readonly().optional(),
      serverName: z.string().optional(),
    })
    .optional(),
  proxied: z.boolean().optional(),
})

/** The client of a session or of a retained message. Older versions have only the user name. */
const identity = {
  userName: z.string().nullable(),
  claimedUserName: z.string().nullable().default(null),
  attributes: identityAttributes.nullable().default(null),
  peer: peer.nullable().default(null),
}

const session = z.strictObject({
  id: z.string(),
  ...identity,
  /** An older version has the address of its client as text. */
  remote: z.string().nullish(),
  expiryIntervalSeconds: count,
  disconnectedAtMs: z.number().nullable(),
  will: z.strictObject({ message: reference, delaySeconds: count, messageExpiryInterval: z.int().min(-1) }).nullable(),
})

const subscription = z.strictObject({
  filter: z.string(),
  qos,
  noLocal: z.boolean(),
  retainAsPublished: z.boolean(),
  identifier: count,
})

const queued = z.strictObject({
  sequence: count,
  message: reference,
  qos,
  retain: z.boolean(),
  subscriptionIdentifiers: z.array(count),
  shared: z.string().nullable(),
  queuedAtMs: z.number(),
  packetIdentifier,
  pubrecOrder: count,
})

/** The publisher of retained messages. Equal ones may be stored once. */
const source = z.strictObject({ clientId: z.string(), ...identity })

/** The schemas of plain records, and of the numbers in them. */
export const plainRecords = {
  ...{ message, session, subscription, queued, source },
  ...{ reference, packetIdentifier, sequence: count },
}

export type PlainMessageRecord = z.output<typeof message>
export type PlainSessionRecord = z.output<typeof session>
export type PlainSubscriptionRecord = z.output<typeof subscription>
export type PlainSourceRecord = z.output<typeof source>
export type PlainQueuedRecord = z.output<typeof queued>
