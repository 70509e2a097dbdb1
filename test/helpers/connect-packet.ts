import type { IConnectPacket } from 'mqtt-packet'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'

/**
 * A CONNECT packet of `client`, with Clean Start and without Keep Alive unless the fields say otherwise.
 * @param version adds what the packet needs to be encoded. A handler does not need it: it asks the connection.
 */
export const connectPacket = (fields: Partial<IConnectPacket> = {}, version?: ProtocolVersion): IConnectPacket => ({
  cmd: 'connect',
  ...(version === undefined ? {} : { protocolId: version === 3 ? 'MQIsdp' : 'MQTT', protocolVersion: version }),
  clientId: 'client',
  clean: true,
  keepalive: 0,
  ...fields,
})
