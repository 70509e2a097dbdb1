import type { IDisconnectPacket } from 'mqtt-packet'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { Client } from './client.ts'

/** Handles DISCONNECT: deletes the Will if the Reason Code says so, and closes the connection (section 3.14.4). */
export const handleDisconnect = (client: Client, { reasonCode = 0, properties }: IDisconnectPacket): void => {
  const session = client.session!
  const expiry = properties?.sessionExpiryInterval
  if (expiry !== undefined) {
    if (expiry > 0 && !client.askedForSession) {
      // CONNECT asked for a Session Expiry Interval of 0, which DISCONNECT must not change (section 3.14.2.2.2). An interval
      // that the broker reduced to 0 is another case.
      client.disconnect(
        ReasonCode.ProtocolError,
        'client set a Session Expiry Interval in DISCONNECT after 0 in CONNECT',
      )
      return
    }
    session.setExpiryInterval(Math.min(expiry, client.handler.config.maximumSessionExpirySeconds))
  }
  const will = reasonCode === ReasonCode.Success && session.deleteWill() ? 'deleted' : undefined // [MQTT-3.14.4-3]
  const reason = client.isVersion5 ? { reasonCode, reasonString: properties?.reasonString } : {}
  client.end('client sent DISCONNECT', { by: 'client', sentDisconnect: true, will, ...reason })
}
