import type { IAuthPacket } from 'mqtt-packet'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { Client } from './client.ts'
import { AUTH_TOO_LARGE, takes } from './packet-size.ts'
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
    authentication.begin(data, (userName, answer) => reauthenticated(client, userName, answer))
  } else broken(client, 'client sent AUTH with a Reason Code that does not fit')
}

const reauthenticated = (client: Client, userName: string, data: Uint8Array | undefined): void => {
  if (userName !== client.owner) {
    client.disconnect(ReasonCode.NotAuthorized, 'client authenticated again as another user')
    return
  }
  const authenticationMethod = client.authentication!.method
  const authenticationData = data === undefined ? {} : { authenticationData: Buffer.from(data) }
  const answer: IAuthPacket = {
    cmd: 'auth',
    reasonCode: ReasonCode.Success,
    properties: { authenticationMethod, ...authenticationData },
  }
  if (takes(client, answer)) client.send(answer)
  else client.disconnect(ReasonCode.PacketTooLarge, AUTH_TOO_LARGE)
}

const broken = (client: Client, why: string): void => {
  if (client.phase === Phase.Connected) client.disconnect(ReasonCode.ProtocolError, why)
  else refuse(client, ReasonCode.ProtocolError, why)
}
