import { PacketType, packet, string } from '../../bench/generator/packets.ts'
import type { User } from './attack.ts'

/** Clean Session, User Name, Password. */
const FLAGS = 0b1100_0010
const KEEP_ALIVE_SECONDS = 60

/** A CONNECT packet of MQTT 3.1.1 with a user name and password. */
export const encodeConnectOf = (clientId: string, { name, password }: User): Buffer =>
  packet(
    PacketType.CONNECT << 4,
    string('MQTT'),
    Buffer.of(4, FLAGS, 0, KEEP_ALIVE_SECONDS),
    string(clientId),
    string(name),
    string(password),
  )
