import { Socket } from 'node:net'
import { localAddress } from '../../bench/generator/local-address.ts'
import {
  disconnect,
  PacketType,
  packet,
  string,
  encodeSubscribe as subscribe,
  uint16,
} from '../../bench/generator/packets.ts'

/** How long the broker may take to answer a client that prepares an attack, in milliseconds. */
const answerDeadlineMs = 120_000

export interface ConnectOptions {
  /** Default: a new name. */
  readonly clientId?: string
  /** Clean Session; default true. */
  readonly clean?: boolean
  /** A Will with this topic, at QoS 0. */
  readonly willTopic?: string
}

/** A CONNECT packet of MQTT 3.1.1 without a Keep Alive. */
export const encodeConnect = ({ clientId = newName(), clean = true, willTopic }: ConnectOptions): Buffer => {
  const flags = (clean ? 0b10 : 0) | (willTopic === undefined ? 0 : 0b100)
  const will = willTopic === undefined ? [] : [string(willTopic), string('gone')]
  return packet(PacketType.CONNECT << 4, string('MQTT'), Buffer.of(4, flags, 0, 0), string(clientId), ...will)
}

let names = 0
const newName = (): string => {
  names += 1
  return `flood-${process.pid}-${names}`
}

let addresses = 0

/** The broker closed the connection, or accepted no connection. This ends an attack, but does not fail the measurement. */
export class CutOff extends Error {}

/** A client of MQTT 3.1.1 that counts the packets which it receives and forgets them. */
export class FloodClient {
  readonly socket: Socket
  /** How many packets of each type have come. */
  readonly received = new Float64Array(16)
  /** Called for each packet. */
  onPacket: ((type: number) => void) | undefined
  /** Called once, when the connection is gone. */
  onClosed: (() => void) | undefined
  #closed = false
  #waiting: Waiting[] = []

  // The packet that is coming.
  #type = 0
  #length = 0
  #scale = 0
  #skip = 0
  #lastByte = 0
  /** The Return Code of CONNACK. */
  returnCode = 0

  constructor() {
    this.socket = new Socket()
    this.socket.setNoDelay(true)
    this.socket.on('data', (chunk) => this.#read(chunk))
    this.socket.on('error', () => {})
    this.socket.on('close', () => this.#end())
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Opens the network connection. Other packets can follow CONNECT at once. */
  async dial(port: number): Promise<void> {
    addresses += 1
    const from = localAddress(addresses)
    await new Promise<void>((resolve, reject) => {
      this.socket.once('connect', resolve).once('close', () => reject(new CutOff('The broker accepts no connection.')))
      this.socket.connect({ port, host: '127.0.0.1', ...(from === undefined ? {} : { localAddress: from }) })
    })
  }

  /** Opens a connection and connects. @throws Error if it is refused. */
  static async connect(port: number, options: ConnectOptions = {}): Promise<FloodClient> {
    const client = new FloodClient()
    await client.dial(port)
    client.send(encodeConnect(options))
    await client.until(PacketType.CONNACK)
    if (client.returnCode !== 0) throw new CutOff(`The broker refused CONNECT with Return Code ${client.returnCode}.`)
    return client
  }

  /** @returns false when the kernel takes no more for now. */
  send(bytes: Uint8Array): boolean {
    return this.socket.write(bytes)
  }

  /** Resolves when so many packets of a type have come. */
  until(type: number, count = 1): Promise<void> {
    if (this.received[type]! >= count) return Promise.resolve()
    if (this.#closed) return Promise.reject(new CutOff('The broker closed the connection.'))
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting)
        reject(new Error(`The broker did not answer within ${answerDeadlineMs / 1000} s.`))
      }, answerDeadlineMs)
      const waiting: Waiting = { type, count, resolve, reject, timer }
      this.#waiting.push(waiting)
    })
  }

  /** Subscribes and waits for SUBACK, in packets of 1,000 filters. */
  async subscribe(filters: readonly string[], qos: 0 | 1 = 0): Promise<void> {
    for (let start = 0; start < filters.length; start += 1_000) {
      const before = this.received[PacketType.SUBACK]!
      this.send(encodeSubscribe(filters.slice(start, start + 1_000), qos))
      await this.until(PacketType.SUBACK, before + 1)
    }
  }

  /** Sends the same bytes repeatedly, as fast as the broker reads. @returns how often. */
  async flood(block: Uint8Array, isOver: () => boolean): Promise<number> {
    let times = 0
    while (!isOver() && !this.#closed) {
      times += 1
      if (!this.send(block)) await this.#drained()
      else await new Promise<void>((resolve) => setImmediate(resolve))
    }
    return times
  }

  /** Sends DISCONNECT and closes. Resolves when the connection is gone. */
  async leave(): Promise<void> {
    this.socket.end(disconnect)
    await this.gone()
  }

  /** Resolves when the connection is gone. */
  async gone(): Promise<void> {
    if (!this.#closed) await new Promise<void>((resolve) => this.socket.once('close', () => resolve()))
  }

  /** Breaks the connection. */
  destroy(): void {
    this.socket.destroy()
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const over = () => {
        this.socket.off('drain', over).off('close', over)
        clearTimeout(timer)
        resolve()
      }
      // Ends the attack even if the broker does not read.
      const timer = setTimeout(over, 250)
      this.socket.on('drain', over).on('close', over)
    })
  }

  #read(chunk: Buffer): void {
    let position = 0
    while (position < chunk.length) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - position)
        this.#skip -= skipped
        position += skipped
        this.#lastByte = chunk[position - 1]!
        if (this.#skip === 0) this.#tell()
      } else if (this.#scale === 0) {
        this.#type = chunk[position++]! >> 4
        this.#length = 0
        this.#scale = 1
      } else {
        const byte = chunk[position++]!
        this.#length += (byte & 0x7f) * this.#scale
        this.#scale *= 128
        if (byte >= 0x80) continue
        this.#skip = this.#length
        this.#scale = 0
        if (this.#skip === 0) this.#tell()
      }
    }
    this.#waiting = this.#waiting.filter((waiting) => {
      if (this.received[waiting.type]! < waiting.count) return true
      clearTimeout(waiting.timer)
      waiting.resolve()
      return false
    })
  }

  #tell(): void {
    this.received[this.#type] = this.received[this.#type]! + 1
    if (this.#type === PacketType.CONNACK) this.returnCode = this.#lastByte
    this.onPacket?.(this.#type)
  }

  #end(): void {
    this.#closed = true
    for (const { reject, timer } of this.#waiting) {
      clearTimeout(timer)
      reject(new CutOff('The broker closed the connection.'))
    }
    this.#waiting = []
    this.onClosed?.()
  }
}

interface Waiting {
  readonly type: number
  readonly count: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

/** A SUBSCRIBE packet with Packet Identifier 1. */
export const encodeSubscribe = (filters: readonly string[], qos: 0 | 1 = 0): Buffer => subscribe(1, filters, qos, 4)

/** A PUBLISH packet. @param id at QoS 1 and 2 alone. */
export const encodePublish = (
  topic: string,
  { qos = 0, retain = false, id = 0, payload = Buffer.alloc(0) }: PublishOptions = {},
): Buffer =>
  packet(
    (PacketType.PUBLISH << 4) | (qos << 1) | (retain ? 1 : 0),
    string(topic),
    ...(qos === 0 ? [] : [uint16(id)]),
    payload,
  )

interface PublishOptions {
  readonly qos?: 0 | 1 | 2
  readonly retain?: boolean
  readonly id?: number
  readonly payload?: Buffer
}
