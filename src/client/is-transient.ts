import { ReasonCode } from '../mqtt/reason-code.ts'
import type { ClientError } from './client-error.ts'

const TRANSIENT: ReadonlySet<number | undefined> = new Set([
  // CONNACK before MQTT 5.0.
  3,
  ReasonCode.ServerUnavailable,
  ReasonCode.ServerBusy,
  ReasonCode.ServerShuttingDown,
  ReasonCode.KeepAliveTimeout,
  ReasonCode.ConnectionRateExceeded,
])

/** Whether a later attempt may succeed. */
export const isTransient = ({ code, reasonCode }: ClientError): boolean => {
  if (code === 'REFUSED' || code === 'DISCONNECTED') return TRANSIENT.has(reasonCode)
  return code === 'LOOKUP' || code === 'UNREACHABLE' || code === 'LOST' || code === 'TIMEOUT'
}
