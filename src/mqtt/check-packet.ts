import { checkAcknowledgement } from './check-acknowledgement.ts'
import { checkAuth } from './check-auth.ts'
import { checkConnect } from './check-connect.ts'
import { checkDisconnect } from './check-disconnect.ts'
import { checkPublish } from './check-publish.ts'
import { checkSubscribe, checkUnsubscribe } from './check-subscribe.ts'
import type { PacketReader } from './packet-reader.ts'
import { PacketType, packetTypeName } from './packet-type.ts'
import type { ProtocolError } from './protocol-error.ts'
import { malformedPacket } from './refusal.ts'

/**
 * Checks one packet from a client by itself, without the packets before it.
 * @param firstByte passed `checkFirstByte`.
 * @param reader at the start of the packet's body; afterwards at its end.
 * @returns what is wrong, or undefined; a legal packet costs no allocation.
 */
export const checkPacket = (firstByte: number, reader: PacketReader): ProtocolError | undefined => {
  const error = checkBody(firstByte, reader)
  if (error !== undefined || reader.atEnd || firstByte >> 4 === PacketType.Publish) return error
  return malformedPacket(`Bytes follow the last field of ${packetTypeName(firstByte >> 4)}.`)
}

const checkBody = (firstByte: number, reader: PacketReader): ProtocolError | undefined => {
  const type = (firstByte >> 4) as PacketType
  switch (type) {
    case PacketType.Publish:
      return checkPublish(reader, firstByte)
    case PacketType.Puback:
    case PacketType.Pubrec:
    case PacketType.Pubrel:
    case PacketType.Pubcomp:
      return checkAcknowledgement(reader, type)
    case PacketType.Pingreq:
      return undefined
    case PacketType.Connect:
      return checkConnect(reader, firstByte)
    case PacketType.Subscribe:
      return checkSubscribe(reader)
    case PacketType.Unsubscribe:
      return checkUnsubscribe(reader)
    case PacketType.Disconnect:
      return checkDisconnect(reader)
    case PacketType.Auth:
      return checkAuth(reader)
    default:
      return malformedPacket(`A client may not send ${packetTypeName(type)}.`)
  }
}
