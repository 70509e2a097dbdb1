import type { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { Client } from './client.ts'
import { refused } from './connack.ts'
import { takes } from './packet-size.ts'

/**
 * Answers CONNACK with a Reason Code of 0x80 or more, in the form of the client's version, and closes the connection
 * [MQTT-3.2.2-7]. A client of MQTT 3 that broke the protocol, and a peer that speaks no MQTT, get no answer.
 * @param reasonString for the client, if it wants one; empty when it is not to know.
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
  // The Server Reference may be left out (section 4.11), where the client does not take so large a packet.
  if (more.serverReference !== undefined && answer !== undefined && !takes(client, answer)) answer = answerWith({})
  if (answer !== undefined) client.send(answer)
  client.end(why, { by: 'broker', reasonCode })
}
