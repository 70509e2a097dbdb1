import type { ClientSession } from '../../src/kinds/client-session.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'

/** A message that is acknowledged. */
export interface Acknowledged {
  readonly messageId: number
  /** At QoS 2, a hash that identifies its content. */
  readonly content: number | undefined
}

/**
 * Remembers the Packet Identifier of a message at QoS 2 that was delivered, or refused after some subscribers got it.
 * @param isOfConnection whether the connection that sent it is still that of the session.
 */
export const rememberQoS2 = (
  { unreleased }: ClientSession,
  { messageId, content }: Acknowledged,
  reason: ReasonCode,
  isRefused: boolean,
  isVersion5: boolean,
  isOfConnection: boolean,
): void => {
  // A refused message is complete [MQTT-4.3.3-9]. MQTT 3 has no code for it and continues with PUBREL.
  if (reason < ReasonCode.UnspecifiedError || !isVersion5) {
    unreleased.add(messageId, content)
    if (!isOfConnection) unreleased.inherit(messageId)
  } else if (isRefused) unreleased.addRefused(messageId)
}
