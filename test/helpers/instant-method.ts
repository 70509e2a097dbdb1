import type { IConnectPacket } from 'mqtt-packet'
import type { AuthenticationMethod } from '../../src/kinds/authentication-method.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'

/** An authentication method that answers at once: a client is the user that it names, and nobody is without a name. */
export const instantMethod: AuthenticationMethod = {
  name: 'INSTANT',
  begin: () => ({
    step: (data = new Uint8Array()) => {
      const userName = Buffer.from(data).toString()
      return userName === ''
        ? { result: 'failure', reasonCode: ReasonCode.NotAuthorized, why: 'no name' }
        : { result: 'success', userName }
    },
  }),
}

/** Fields of the CONNECT of a client that proves to be this user by it. */
export const asUser = (userName: string, fields: Partial<IConnectPacket> = {}): Partial<IConnectPacket> => ({
  ...fields,
  properties: {
    ...fields.properties,
    authenticationMethod: instantMethod.name,
    authenticationData: Buffer.from(userName),
  },
})
