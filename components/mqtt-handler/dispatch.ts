import type { ControlPacket } from '../../src/kinds/pipeline-stage.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { handleAuth } from './auth.ts'
import type { Client } from './client.ts'
import { handleDisconnect } from './disconnect.ts'
import { handlePingreq } from './pingreq.ts'
import { handlePuback } from './puback.ts'
import { handlePubcomp } from './pubcomp.ts'
import { handlePubrec } from './pubrec.ts'
import { handlePubrel } from './pubrel.ts'
import { handleSubscribe } from './subscribe.ts'
import { handleUnsubscribe } from './unsubscribe.ts'

/** Handles a packet of a connected client, by its type. PUBLISH packets have a way of their own (`publish.ts`). */
export const dispatch = (client: Client, packet: ControlPacket): void => {
  switch (packet.cmd) {
    case 'puback':
      handlePuback(client, packet)
      break
    case 'pubrec':
      handlePubrec(client, packet)
      break
    case 'pubrel':
      handlePubrel(client, packet)
      break
    case 'pubcomp':
      handlePubcomp(client, packet)
      break
    case 'subscribe':
      handleSubscribe(client, packet)
      break
    case 'unsubscribe':
      handleUnsubscribe(client, packet)
      break
    case 'pingreq':
      handlePingreq(client)
      break
    case 'disconnect':
      handleDisconnect(client, packet)
      break
    case 'auth':
      handleAuth(client, packet)
      break
    default:
      // A second CONNECT [MQTT-3.1.0-2], or what only a server sends.
      client.disconnect(ReasonCode.ProtocolError, `client sent ${packet.cmd}, which it may not send here`)
  }
}
