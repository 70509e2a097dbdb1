import type { IAuthPacket } from 'mqtt-packet'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { Client } from './client.ts'
import { Phase } from './phase.ts'
import { refuse } from './refuse.ts'

/** Takes an AUTH packet: a step of an exchange, or the beginning of a re-authentication (section 4.12.1). */
export const handleAuth = (client: Client, { reasonCode = ReasonCode.Success, properties }: IAuthPacket): void => {
  const { authentication } = client
  const data = properties?.authenticationData
  if (authentication === undefined)
    broken(client, 'client sent AUTH without an Authentication Method in CONNECT') // [MQTT-4.12.0-7]
  else if (properties?.authenticationMethod !== authentication.method) {
    broken(client, 'client sent AUTH with another Authentication Method') // [MQTT-4.12.0-5]
  } else if (authentication.underWay && reasonCode === ReasonCode.ContinueAuthentication) {
    authentication.step(data) // [MQTT-4.12.0-3]
  } else if (!authentication.underWay && reasonCode === ReasonCode.ReAuthenticate) {
    authentication.reauthenticate(data)
  } else broken(client, 'client sent AUTH with a Reason Code that does not fit')
}

const broken = (client: Client, why: string): void => {
  if (client.phase === Phase.Connected) client.disconnect(ReasonCode.ProtocolError, why)
  else refuse(client, ReasonCode.ProtocolError, why)
}
