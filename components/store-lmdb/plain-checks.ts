/**
 * Checks of the records that nearly all sessions and subscriptions have, for the start. What they do not know goes to the
 * schemas, which say what is wrong: these never accept what a schema refuses.
 */

import type { PlainSessionRecord, PlainSubscriptionRecord } from '../../src/kinds/plain-records.ts'

/** Whether it is a session of this version without attributes, Will and TLS. */
export const isPlainSession = (value: unknown): value is PlainSessionRecord => {
  if (!isObject(value) || Object.keys(value).length !== SESSION_FIELDS) return false
  const { id, userName, claimedUserName, attributes, peer, expiryIntervalSeconds, disconnectedAtMs, will } = value
  return (
    typeof id === 'string' &&
    isTextOrNull(userName) &&
    isTextOrNull(claimedUserName) &&
    attributes === null &&
    (peer === null || isPlainPeer(peer)) &&
    isCount(expiryIntervalSeconds) &&
    (disconnectedAtMs === null || Number.isFinite(disconnectedAtMs)) &&
    will === null
  )
}

export const isPlainSubscription = (value: unknown): value is PlainSubscriptionRecord => {
  if (!isObject(value) || Object.keys(value).length !== SUBSCRIPTION_FIELDS) return false
  const { filter, qos, noLocal, retainAsPublished, identifier } = value
  return (
    typeof filter === 'string' &&
    (qos === 0 || qos === 1 || qos === 2) &&
    typeof noLocal === 'boolean' &&
    typeof retainAsPublished === 'boolean' &&
    isCount(identifier)
  )
}

const SESSION_FIELDS = 8
const SUBSCRIPTION_FIELDS = 5
const PEER_FIELDS = 4

const isPlainPeer = (value: unknown): boolean => {
  if (!isObject(value) || Object.keys(value).length !== PEER_FIELDS) return false
  const { address, port, listener, transport } = value
  return typeof address === 'string' && isCount(port) && typeof listener === 'string' && typeof transport === 'string'
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

const isTextOrNull = (value: unknown): boolean => value === null || typeof value === 'string'

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0
