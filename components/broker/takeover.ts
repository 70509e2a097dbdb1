import { describePeer } from '../../src/kinds/peer.ts'
import type { Recipient } from '../../src/kinds/recipient.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { BrokerCounters } from './counters.ts'
import type { Session } from './session.ts'

/**
 * Disconnects the existing connection of a Client Identifier when another one begins [MQTT-3.1.4-3]. The session continues,
 * unless the new connection asks for Clean Start.
 * @param existing the session with this Client Identifier, if there is one. @param by the new connection.
 */
export const takeOver = (
  existing: Session | undefined,
  by: Recipient,
  cleanStart: boolean,
  counters: BrokerCounters,
): void => {
  if (existing?.recipient === undefined) return
  counters.takeovers += 1
  existing.recipient.disconnect(ReasonCode.SessionTakenOver, 'another connection took over the Client Identifier', {
    takenOverBy: describePeer(by.identity.peer),
    will: existing.will.outcomeOfTakeover(existing.persistent, cleanStart),
  })
}
