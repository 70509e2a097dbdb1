import type { PlainMessage } from '../../src/kinds/broker.ts'
import { Message } from '../../src/mqtt/message.ts'
import { expiryOf } from '../../src/mqtt/message-expiry.ts'
import { checkTopicFilter, isSharedFilter } from '../../src/mqtt/topic-filter.ts'
import { checkTopicName } from '../../src/mqtt/topic-name.ts'
import { classifyUtf8, Utf8 } from '../../src/mqtt/utf8.ts'

/** The longest Topic Name and Topic Filter, in bytes (section 1.5.4). */
const MAXIMUM_LENGTH = 65_535

/** The longest Message Expiry Interval, in seconds. */
const MAXIMUM_SECONDS = 0xffff_ffff

/**
 * Makes a message to publish as the server, from plain values or from a message.
 * @param nowMs on the clock of `Message.expiresAtMs`.
 * @returns a message that owns its memory.
 * @throws TypeError that says what is wrong with the message.
 */
export const messageOf = (value: PlainMessage | Message, nowMs: number): Message => {
  if (value instanceof Message) {
    checkTopic(value.topic)
    return value.keep()
  }
  const { topic, payload, qos = 0, retain = false, expirySeconds } = checkPlain(value)
  checkTopic(topic)
  return Message.of({
    topic,
    payload: typeof payload === 'string' ? Buffer.from(payload) : Buffer.from(payload ?? []),
    qos,
    retain,
    expiresAtMs: expiryOf(expirySeconds ?? -1, nowMs),
  })
}

/** @throws TypeError if this is not a Topic Filter, or that of a Shared Subscription. */
export const checkFilter = (filter: string): void => {
  const bytes = bytesOf(filter, 'Topic Filter')
  if (isSharedFilter(bytes)) refuse(`'${filter}' is a Shared Subscription, which is for clients alone`)
  const problem = checkTopicFilter(bytes)
  if (problem !== undefined) refuse(`'${filter}' is no Topic Filter: ${problem.message}`)
}

/** @throws TypeError if this is not a Topic Name. */
export const checkTopic = (topic: string): void => {
  const problem = checkTopicName(bytesOf(topic, 'Topic Name'))
  if (problem !== undefined) refuse(`'${topic}' is no Topic Name: ${problem.message}`)
}

const checkPlain = (value: unknown): PlainMessage => {
  if (typeof value !== 'object' || value === null) {
    refuse(`A message is an object { topic, payload, qos, retain, expirySeconds }, not ${describe(value)}`)
  }
  const { payload, qos, retain, expirySeconds, ...rest } = value as Record<string, unknown>
  const { topic: _, ...unknown } = rest
  if (payload !== undefined && typeof payload !== 'string' && !(payload instanceof Uint8Array)) {
    refuse(`payload must be a string or a Uint8Array, not ${describe(payload)}`)
  }
  if (qos !== undefined && qos !== 0 && qos !== 1 && qos !== 2) refuse(`qos must be 0, 1 or 2, not ${describe(qos)}`)
  if (retain !== undefined && typeof retain !== 'boolean') refuse(`retain must be a boolean, not ${describe(retain)}`)
  if (expirySeconds !== undefined && !isSeconds(expirySeconds)) {
    refuse(`expirySeconds must be a whole number of seconds up to ${MAXIMUM_SECONDS}, not ${describe(expirySeconds)}`)
  }
  const names = Object.keys(unknown)
  if (names.length > 0) refuse(`a message has no '${names[0]}': it has topic, payload, qos, retain and expirySeconds`)
  return value as PlainMessage
}

const isSeconds = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAXIMUM_SECONDS

const bytesOf = (text: unknown, what: string): Buffer => {
  if (typeof text !== 'string') return refuse(`A ${what} is a string, not ${describe(text)}`)
  const bytes = Buffer.from(text)
  if (bytes.length > MAXIMUM_LENGTH) refuse(`A ${what} has at most ${MAXIMUM_LENGTH} bytes, not ${bytes.length}`)
  const form = classifyUtf8(bytes, 0, bytes.length)
  if (form === Utf8.NullCharacter || bytes.toString() !== text)
    refuse(`A ${what} holds no NUL and no half of a surrogate pair`)
  return bytes
}

const describe = (value: unknown): string => {
  if (value === null) return 'null'
  return typeof value === 'object'
    ? `${Array.isArray(value) ? 'an array' : 'an object'}`
    : `${String(value)} (${typeof value})`
}

const refuse = (problem: string): never => {
  throw new TypeError(problem.endsWith('.') ? problem : `${problem}.`)
}
