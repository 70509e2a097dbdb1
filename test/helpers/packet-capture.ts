import { type Packet, parser } from 'mqtt-packet'

/** Who sent a packet over a bridge's connection. */
export type Sender = 'bridge' | 'remote'

interface Captured {
  readonly connection: number
  readonly sender: Sender
  readonly packet: Packet
}

/**
 * The packets that came through a proxy between a bridge and a remote broker. It tells which of the two caused a message at QoS 2 to
 * come twice.
 */
export class PacketCapture {
  readonly #captured: Captured[] = []
  readonly #parsers = new Map<string, ReturnType<typeof parser>>()
  readonly #version: 4 | 5

  constructor(version: 4 | 5) {
    this.#version = version
  }

  /** Bytes came to the proxy. @param connection its number. */
  take(connection: number, sender: Sender, bytes: Buffer): void {
    const key = `${connection} ${sender}`
    let parsing = this.#parsers.get(key)
    if (parsing === undefined) {
      parsing = parser({ protocolVersion: this.#version })
      parsing.on('packet', (packet: Packet) => this.#captured.push({ connection, sender, packet }))
      this.#parsers.set(key, parsing)
    }
    parsing.parse(Buffer.from(bytes))
  }

  /** Whether the sender published this payload again after it had sent PUBREL for it, which no sender may do [MQTT-4.3.3-6]. */
  publishedAfterPubrel(sender: Sender, payload: string): boolean {
    let identifier: number | undefined
    let isReleased = false
    for (const { sender: by, packet } of this.#captured) {
      if (by !== sender) continue
      if (packet.cmd === 'pubrel' && packet.messageId === identifier) isReleased = true
      if (packet.cmd !== 'publish' || packet.payload.toString() !== payload) continue
      if (isReleased) return true
      identifier = packet.messageId
    }
    return false
  }

  /** The packets of both sides about a message, one on a line, for the error of a test. @param sender of the message. */
  history(sender: Sender, payload: string): string {
    const identifiers = new Set<number | undefined>()
    const lines: string[] = []
    for (const each of this.#captured) {
      const { packet } = each
      const isOfSender = each.sender === sender
      if (packet.cmd === 'publish' && isOfSender && packet.payload.toString() === payload) {
        identifiers.add(packet.messageId)
        lines.push(lineOf(each))
      } else if (isOfSender ? packet.cmd === 'pubrel' : ANSWERS.has(packet.cmd)) {
        if (identifiers.has(packet.messageId)) lines.push(lineOf(each))
      } else if (identifiers.size > 0 && CONNECTION.has(packet.cmd)) lines.push(lineOf(each))
    }
    return lines.join('\n')
  }
}

/** The answers of the receiver of a message. */
const ANSWERS: ReadonlySet<string> = new Set(['puback', 'pubrec', 'pubcomp'])

/** The packets that begin a connection. */
const CONNECTION: ReadonlySet<string> = new Set(['connect', 'connack'])

const lineOf = ({ connection, sender, packet }: Captured): string => {
  const { cmd, messageId } = packet
  const identifier = messageId === undefined ? '' : ` ${messageId}`
  const more = cmd === 'publish' ? ` dup=${packet.dup} ${packet.payload}` : ''
  const session = cmd === 'connack' ? ` session present=${packet.sessionPresent}` : ''
  return `connection ${connection}, ${sender}: ${cmd.toUpperCase()}${identifier}${more}${session}`
}
