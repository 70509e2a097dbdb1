import type { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { Client } from './client.ts'
import { refused } from './connack.ts'
import { takes } from './packet-size.ts'

/**
 * Answers CONNACK with a Reason Code of 0x80 or more, in the form of the client's version, and closes the connection
 * [MQTT-3.2.2-7]. A client of MQTT 3 that breaks the protocol, and a peer that does not send MQTT, get no answer.
 * @param reasonString for the client, if it requests Reason Strings; empty for none.
 */
export const refuse = (
  client: Client,
  reasonCode: ReasonCode,
  why: string,
  reasonString = why,
  more: { readonly serverReference?: string } = {},
): void => {
  const version = client.connection.protocolVersion
  const { properties } = client.explained(reasonString)
  const answerWith = (said: typeof more) =>
    version === 0 ? undefined : refused(version, reasonCode, { ...properties, ...said })
  let answer = answerWith(more)
  // The Server Reference may be omitted (section 4.11) if the packet would be larger than the client's Maximum Packet Size.
  if (more.serverReference !== undefined && answer !== undefined && !takes(client, answer)) answer = answerWith({})
  if (answer !== undefined) client.send(answer)
  client.end(why, { by: 'broker', reasonCode })
}
