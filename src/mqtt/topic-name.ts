import type { ProtocolError } from './protocol-error.ts'
import { ReasonCode } from './reason-code.ts'
import { protocolError, refusal } from './refusal.ts'

const PLUS = 0x2b
const HASH = 0x23

/**
 * Checks the syntax of a Topic Name given as well-formed UTF-8 (wildcards are ASCII, so bytes will do).
 * @param field what the message calls it: a Will Topic and a Response Topic are Topic Names too.
 * @returns what is wrong, or undefined.
 */
export const checkTopicName = (
  bytes: Uint8Array,
  start = 0,
  end = bytes.length,
  field = 'Topic Name',
): ProtocolError | undefined => {
  // Topic Name invalid is for one that is well formed and not accepted; an empty one is not a Topic Name.
  if (start === end) return protocolError(`The ${field} is empty.`, 'MQTT-4.7.3-1')
  for (let position = start; position < end; position += 1) {
    const byte = bytes[position]!
    if (byte === PLUS || byte === HASH) {
      return refusal(ReasonCode.TopicNameInvalid, `The ${field} holds a wildcard character.`, wildcardClause(field))
    }
  }
  return undefined
}

const wildcardClause = (field: string): string =>
  field === 'Topic Name' ? 'MQTT-3.3.2-2' : field === 'Response Topic' ? 'MQTT-3.3.2-14' : 'MQTT-4.7.0-1'
