import { expect } from 'vitest'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { RawClient } from '../helpers/raw-client.ts'

/** What a CONNECT packet says. Fields of bytes are in the notation of `packet-bytes.ts`. */
export interface ConnectFields {
  readonly clientId?: string
  /** Clean Start, or Clean Session; true unless told otherwise. */
  readonly clean?: boolean
  readonly keepAliveSeconds?: number
  /** MQTT 5.0: Properties. */
  readonly properties?: string
  /** Connect Flags besides Clean Start. */
  readonly flags?: number
  /** What follows the Client Identifier. */
  readonly payload?: string
}

let attackers = 0

/** A CONNECT packet in the notation of `packet-bytes.ts`. */
export const connectNotation = (version: ProtocolVersion, fields: ConnectFields = {}): string => {
  const { clientId = `attacker ${++attackers}`, clean = true, keepAliveSeconds = 0, flags = 0 } = fields
  const name = version === 3 ? '"MQIsdp"' : '"MQTT"'
  const properties = version === 5 ? `[${fields.properties ?? ''}]` : ''
  return `10 @ ${name} ${hex(version)} ${hex(flags | (clean ? 2 : 0))} ${hex(keepAliveSeconds, 4)} ${properties} "${clientId}" ${fields.payload ?? ''}`
}

/** A number as so many hex digits. */
export const hex = (value: number, digits = 2): string => value.toString(16).padStart(digits, '0')

/** The Properties of a packet that has none, which MQTT 3 does not write. */
export const noProperties = (version: ProtocolVersion): string => (version === 5 ? '[]' : '')

/** A connection that sends anything, and sees packet by packet what comes back. */
export class Attacker {
  readonly version: ProtocolVersion
  readonly raw: RawClient

  private constructor(raw: RawClient, version: ProtocolVersion) {
    this.raw = raw
    this.version = version
  }

  static async open(port: number, version: ProtocolVersion): Promise<Attacker> {
    return new Attacker(await RawClient.connect(port), version)
  }

  /** Sends bytes, or packets in the notation of `packet-bytes.ts`. */
  send(...packets: readonly (string | Buffer)[]): this {
    const bytes = packets.map((packet) => (typeof packet === 'string' ? packetBytes(packet) : packet))
    this.raw.socket.write(Buffer.concat(bytes))
    return this
  }

  /** Sends CONNECT and waits for its acceptance. */
  async connect(fields: ConnectFields = {}): Promise<this> {
    this.send(connectNotation(this.version, fields))
    expect(await this.packet()).toMatch(/^20..0[01]00/)
    return this
  }

  /** Subscribes to one filter. */
  async subscribe(filter: string, options = '00'): Promise<this> {
    this.send(`82 @ 00ff ${noProperties(this.version)} "${filter}" ${options}`)
    expect(await this.packet()).toMatch(/^90..00ff(00)?0[012]$/)
    return this
  }

  /** The next packet, as hex. @throws when the connection closes instead. */
  async packet(): Promise<string> {
    let header = await this.raw.receive(1)
    let length = 0
    for (let shift = 0; ; shift += 7) {
      const byte = await this.raw.receive(1)
      header += byte
      length |= (Number.parseInt(byte, 16) & 0x7f) << shift
      if (Number.parseInt(byte, 16) < 0x80) return header + (length === 0 ? '' : await this.raw.receive(length))
    }
  }

  /** Fails unless the broker answers a PINGREQ, with nothing before it. */
  async isAlive(): Promise<void> {
    this.send('c0 00')
    expect(await this.packet()).toBe('d000')
  }

  /** The packets that came before the answer to a PINGREQ, as hex. */
  async untilPing(): Promise<string[]> {
    this.send('c0 00')
    const packets: string[] = []
    for (;;) {
      const packet = await this.packet()
      if (packet === 'd000') return packets
      packets.push(packet)
    }
  }

  /** All packets until the connection closes, as hex. */
  async rest(): Promise<string[]> {
    const packets: string[] = []
    for (;;) {
      const packet = await this.packet().catch((error: Error) => {
        expect(error.message).toMatch(/^closed after , /)
        return undefined
      })
      if (packet === undefined) return packets
      packets.push(packet)
    }
  }

  /**
   * Fails unless the broker ends the connection as it must: with DISCONNECT and one of these Reason Codes in MQTT 5.0, without
   * a packet in MQTT 3. @returns the packets that came before.
   */
  async isThrownOut(...reasons: (keyof typeof ReasonCode)[]): Promise<string[]> {
    const packets = await this.rest()
    if (this.version === 5) {
      expect(packets.at(-1)).toMatch(/^e0/)
      expect(reasons).toContain(nameOf(packets.pop()!.slice(4, 6)))
    }
    expect(packets.filter((packet) => packet.startsWith('e0'))).toEqual([])
    return packets
  }

  /**
   * Fails unless the broker refuses the CONNECT packet: with CONNACK and this Reason Code in MQTT 5.0; in MQTT 3 with the
   * Return Code, or without a packet if there is none.
   */
  async isRefused(reason: keyof typeof ReasonCode, returnCode?: number): Promise<void> {
    const packets = await this.rest()
    if (this.version === 5) {
      expect(packets).toEqual([expect.stringMatching(/^20..00/)])
      expect(nameOf(packets[0]!.slice(6, 8))).toBe(reason)
    } else expect(packets).toEqual(returnCode === undefined ? [] : [`200200${hex(returnCode)}`])
  }

  destroy(): void {
    this.raw.destroy()
  }
}

const nameOf = (code: string): string =>
  Object.entries(ReasonCode).find(([, value]) => value === Number.parseInt(code || '00', 16))?.[0] ?? code
