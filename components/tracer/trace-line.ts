import { isUtf8 } from 'node:buffer'
import { describePeer } from '../../src/kinds/peer.ts'
import type { TracedPacket, TracedPayload, TraceLine } from '../../src/kinds/tracer.ts'
import { shortenText } from '../../src/mqtt/shorten-text.ts'

/** The line of a packet. Nothing in it is lent. @param maximumPayloadBytes undefined if payloads are not wanted. */
export const traceLineOf = (
  packet: TracedPacket,
  number: number,
  atMs: number,
  maximumPayloadBytes: number | undefined,
): TraceLine => {
  const { direction, clientId, connectionId, peer, fields } = packet
  const connection = `#${connectionId} ${describePeer(peer)}`
  const payload =
    packet.payload === undefined || maximumPayloadBytes === undefined
      ? undefined
      : payloadOf(packet.payload, maximumPayloadBytes)
  const text = textOf(packet, connection, payload)
  const line = { number, atMs, direction, clientId, connection, packet: packet.packet, fields, text }
  return payload === undefined ? line : { ...line, payload }
}

/** The memory of a line, about. */
export const bytesOf = ({ text, payload }: TraceLine): number =>
  300 + 4 * text.length + 2 * (payload?.base64.length ?? 0)

const payloadOf = (bytes: Uint8Array, maximum: number): TracedPayload => {
  const isCut = bytes.length > maximum
  const start = Buffer.from(bytes.subarray(0, maximum))
  const base64 = start.toString('base64')
  // A character that was cut in two does not make the rest binary.
  const whole = isCut ? start.subarray(0, start.length - cutCharacterBytes(start)) : start
  return isUtf8(whole) ? { base64, text: whole.toString(), isCut } : { base64, isCut }
}

/** How many bytes at the end begin a character in UTF-8 that is not complete. */
const cutCharacterBytes = (bytes: Uint8Array): number => {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back]!
    if (byte < 0x80) return 0
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0
  }
  return 0
}

const textOf = (
  { direction, clientId, packet, fields }: TracedPacket,
  connection: string,
  payload: TracedPayload | undefined,
): string => {
  const name = clientId === undefined || clientId === '' ? connection : valueText(shortenText(clientId))
  let text = `${name} ${direction === 'received' ? '→' : '←'} ${packet}`
  // Its entries would be an array for each line.
  for (const key in fields) {
    const value = fields[key]
    if (value === undefined || value === false || key === 'cmd') continue
    text += value === true ? ` ${key}` : ` ${key}=${valueText(value)}`
  }
  if (payload === undefined) return text
  const shown = payload.text === undefined ? `base64:${payload.base64}` : visible(JSON.stringify(payload.text))
  return `${text} payload=${shown}${payload.isCut ? '…' : ''}`
}

/** Clients choose texts: one must not look like other fields or lines, or control a terminal. */
const valueText = (value: unknown): string => {
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string' && /^[\w/.+#$:@…-]+$/.test(value)) return value
  return visible(JSON.stringify(value) ?? String(value))
}

/** JSON leaves some characters that control a terminal, or turn the direction of the text around, as they are. */
const visible = (json: string): string =>
  json.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    const hex = character.codePointAt(0)!.toString(16)
    return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`
  })
