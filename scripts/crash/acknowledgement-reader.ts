export interface AcknowledgementListener {
  /** PUBACK or PUBREC that is no refusal. */
  acknowledged(identifier: number, at: number): void
  subscribed(at: number): void
}

/** Finds acknowledgements in the bytes that a broker sends over a connection. */
export class AcknowledgementReader {
  readonly #listener: AcknowledgementListener
  #rest: Buffer = Buffer.alloc(0)

  constructor(listener: AcknowledgementListener) {
    this.#listener = listener
  }

  /** @param at when the bytes were sent; told to the listener. */
  read(bytes: Buffer, at: number): void {
    const all = Buffer.concat([this.#rest, bytes])
    let start = 0
    for (;;) {
      const packet = packetAt(all, start)
      if (packet === undefined) break
      this.#packet(all[start]! >> 4, packet.body, at)
      start = packet.end
    }
    this.#rest = all.subarray(start)
  }

  #packet(type: number, body: Buffer, at: number): void {
    if (type === SUBACK) this.#listener.subscribed(at)
    if (type !== PUBACK && type !== PUBREC) return
    const isRefusal = body.length > 2 && body[2]! >= REFUSED
    if (!isRefusal) this.#listener.acknowledged(body.readUInt16BE(0), at)
  }
}

/** The packet that begins there; undefined if it is not whole. */
const packetAt = (bytes: Buffer, start: number): { readonly body: Buffer; readonly end: number } | undefined => {
  let length = 0
  for (let at = start + 1; at < Math.min(bytes.length, start + 5); at += 1) {
    length += (bytes[at]! & 0x7f) * 128 ** (at - start - 1)
    if (bytes[at]! > 0x7f) continue
    const end = at + 1 + length
    return end > bytes.length ? undefined : { body: bytes.subarray(at + 1, end), end }
  }
  return undefined
}

const PUBACK = 4
const PUBREC = 5
const SUBACK = 9
const REFUSED = 0x80
