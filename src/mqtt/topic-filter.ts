import type { ProtocolError } from './protocol-error.ts'
import { ReasonCode } from './reason-code.ts'
import { refusal } from './refusal.ts'

const HASH = 0x23
const PLUS = 0x2b
const SEPARATOR = 0x2f
/** `$share/`, by which a Shared Subscription is known. */
const SHARE_PREFIX = [0x24, 0x73, 0x68, 0x61, 0x72, 0x65, SEPARATOR]

/**
 * Checks the syntax of a Topic Filter given as well-formed UTF-8 (all that matters is ASCII, so bytes will do), the form
 * `$share/{ShareName}/{filter}` included. @returns what is wrong, or undefined.
 */
export const checkTopicFilter = (bytes: Uint8Array, start = 0, end = bytes.length): ProtocolError | undefined => {
  if (start === end) return invalid('The Topic Filter is empty.', 'MQTT-4.7.3-1')
  if (!isSharedFilter(bytes, start, end)) return checkLevels(bytes, start, end)
  const shareName = start + SHARE_PREFIX.length
  let position = shareName
  while (position < end && bytes[position] !== SEPARATOR) {
    if (bytes[position] === PLUS || bytes[position] === HASH) {
      return invalid('The ShareName holds a wildcard character.', 'MQTT-4.8.2-2')
    }
    position += 1
  }
  if (position === shareName) return invalid('The ShareName is empty.', 'MQTT-4.8.2-1')
  if (position + 1 >= end) return invalid('No Topic Filter follows the ShareName.', 'MQTT-4.8.2-2')
  return checkLevels(bytes, position + 1, end)
}

/** Whether a Topic Filter, legal or not, asks for a Shared Subscription. */
export const isSharedFilter = (bytes: Uint8Array, start = 0, end = bytes.length): boolean => {
  if (end - start < SHARE_PREFIX.length) return false
  for (let index = 0; index < SHARE_PREFIX.length; index += 1) {
    if (bytes[start + index] !== SHARE_PREFIX[index]) return false
  }
  return true
}

/** A wildcard fills its whole level, and `#` is the last one. */
const checkLevels = (bytes: Uint8Array, start: number, end: number): ProtocolError | undefined => {
  for (let position = start; position < end; position += 1) {
    const byte = bytes[position]
    if (byte !== PLUS && byte !== HASH) continue
    const startsLevel = position === start || bytes[position - 1] === SEPARATOR
    const last = position + 1 === end
    if (byte === HASH && !(startsLevel && last)) {
      return invalid('A "#" is not alone in the last level of the Topic Filter.', 'MQTT-4.7.1-1')
    }
    if (byte === PLUS && !(startsLevel && (last || bytes[position + 1] === SEPARATOR))) {
      return invalid('A "+" is not alone in its level of the Topic Filter.', 'MQTT-4.7.1-2')
    }
  }
  return undefined
}

const invalid = (message: string, clause: string): ProtocolError =>
  refusal(ReasonCode.TopicFilterInvalid, message, clause)
