import type { IDisconnectPacket } from 'mqtt-packet'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { Client } from './client.ts'

/** The client says goodbye: closes the network connection, if the client does not do it first (section 3.14.4). */
export const handleDisconnect = (client: Client, { reasonCode = 0, properties }: IDisconnectPacket): void => {
  const session = client.session!
  const expiry = properties?.sessionExpiryInterval
  if (expiry !== undefined) {
    if (expiry > 0 && !client.askedForSession) {
      // The client wanted the session to end with the connection, as opposed to a maximum of 0; that cannot be undone (section 3.14.2.2.2).
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
