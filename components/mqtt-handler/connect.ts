import { randomUUID } from 'node:crypto'
import type { IConnectPacket } from 'mqtt-packet'
import type { ProtocolError } from '../../src/mqtt/protocol-error.ts'
import { ConnectReturnCode, ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { Client } from './client.ts'
import { type ConnectRefusal, unsupportedConnect } from './not-supported.ts'

/** Makes the client known by its identifier and answers CONNACK, or refuses it. */
export const handleConnect = (client: Client, packet: IConnectPacket): void => {
  if (client.connection.protocolVersion !== 4) {
    refuseVersion(client)
    return
  }
  const refusal = refusalOf(packet)
  if (refusal !== undefined) {
    // Nothing has happened: whoever is connected with this identifier stays.
    client.send({ cmd: 'connack', returnCode: refusal.returnCode, sessionPresent: false })
    client.end(refusal.why, 'warn')
    return
  }
  // A client without an identifier gets one that nobody has [MQTT-3.1.3-6].
  const id = packet.clientId === '' ? `mqtt-jig-${randomUUID()}` : packet.clientId
  // Whoever was connected with this identifier is disconnected [MQTT-3.1.4-2].
  client.handler.clients.get(id)?.end('another connection took over the Client Identifier')
  client.accept(id, packet.keepalive ?? 0)
  client.send({ cmd: 'connack', returnCode: ConnectReturnCode.Accepted, sessionPresent: false })
  const details = { client: id, remote: client.connection.remote, keepAlive: packet.keepalive }
  client.handler.log.info(details, 'Client connected')
}

/** Answers a CONNECT packet that the decoder refused: only about the version there is something to say. */
export const refuseBeforeConnect = (client: Client, error: ProtocolError): void => {
  // A peer that named another protocol has no version, and would not understand an answer.
  const answer = error.reasonCode === ReasonCode.UnsupportedProtocolVersion && client.connection.protocolVersion !== 0
  if (answer) refuseVersion(client)
  else client.end(`protocol error: ${error.message}`)
}

const refusalOf = (packet: IConnectPacket): ConnectRefusal | undefined => {
  // Without an identifier there is no session to come back to [MQTT-3.1.3-8].
  if (packet.clientId === '' && packet.clean === false) {
    return { returnCode: ConnectReturnCode.IdentifierRejected, why: 'no Client Identifier, yet Clean Session 0' }
  }
  return unsupportedConnect(packet)
}

/** Says in the form of the client's own version that it is not spoken here [MQTT-3.1.2-2]. */
const refuseVersion = (client: Client): void => {
  const code =
    client.connection.protocolVersion === 5
      ? { reasonCode: ReasonCode.UnsupportedProtocolVersion }
      : { returnCode: ConnectReturnCode.UnacceptableProtocolVersion }
  client.send({ cmd: 'connack', sessionPresent: false, ...code })
  client.end('only MQTT 3.1.1 is supported yet', 'warn')
}
