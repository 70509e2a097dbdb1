import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { ClientEnd } from './client-log.ts'
import type { HandlerCounters } from './counters.ts'

/** Counts the end of a connection. @param accepted whether its CONNECT had been accepted. */
export const countEnd = (
  counters: HandlerCounters,
  protocolVersion: number,
  { by, reasonCode, sentDisconnect }: ClientEnd,
  accepted: boolean,
): void => {
  if (accepted) counters.connectedByVersion[protocolVersion]! -= 1
  if (!accepted) {
    if (by === 'broker') counters.refusals[reasonCode ?? ReasonCode.UnspecifiedError]! += 1
  } else if (by === 'broker') counters.disconnectsByBroker[reasonCode ?? ReasonCode.UnspecifiedError]! += 1
  else if (sentDisconnect) counters.disconnectsByClient[reasonCode ?? 0]! += 1
  else counters.lostConnections += 1
}
