import type { Duplex } from 'node:stream'
import { openSocket, type Target } from '../../bench/generator/open-socket.ts'
import { PacketCounter, type PacketListener } from '../../bench/generator/packet-counter.ts'
import { encodePublish, encodeSubscribe, PacketType, pingreq, STAMP_BYTES } from '../../bench/generator/packets.ts'
import { type User, users } from './attack.ts'
import { encodeConnectOf } from './encode-connect.ts'

const MAXIMUM_PACKET_ID = 65_535
/** How long the broker may take to let it in, in milliseconds. */
const CONNECT_DEADLINE_MS = 60_000

/** A client that sends little, acknowledges what it gets, and keeps record of both. It never connects again. */
export class GoodClient implements PacketListener {
  /** Its number, which its messages carry. */
  readonly number: number
  /** Times from PINGREQ to PINGRESP, in milliseconds. */
  pingTimes: number[] = []
  /** The numbers of its messages that were acknowledged. */
  readonly confirmed = new Set<number>()
  /** The numbers of the messages of another client that it received. */
  readonly received = new Set<number>()
  /** Why its connection ended. */
  ending: string | undefined

  readonly #counter = new PacketCounter(this, 4)
  readonly #publish
  readonly #inFlight = new Map<number, number>()
  /** When the pings left that are not answered. */
  #pingsMs: number[] = []
  #sequence = 0
  #socket: Duplex | undefined
  #waiting: { readonly type: number; readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined

  constructor(number: number) {
    this.number = number
    this.#publish = encodePublish({
      topic: topicOf(number),
      qos: 1,
      version: 4,
      payloadBytes: STAMP_BYTES,
      userProperties: 0,
    })
  }

  get unansweredPings(): number {
    return this.#pingsMs.length
  }

  /** Messages that were sent and not acknowledged. */
  get inFlight(): number {
    return this.#inFlight.size
  }

  /** Connects, and subscribes to the messages of another client. @throws Error when the broker does not let it in. */
  async connect(target: Target, to: number, user: User = users.good): Promise<void> {
    const socket = await openSocket(target)
    this.#socket = socket
    socket
      .on('data', (chunk: Buffer) => this.#counter.feed(chunk))
      .on('error', (error: Error) => this.#end(error.message))
      .on('close', () => this.#end('the broker closed the connection'))
    await this.#ask(encodeConnectOf(`good-${this.number}`, user), PacketType.CONNACK)
    await this.#ask(encodeSubscribe(1, [topicOf(to)], 1, 4), PacketType.SUBACK)
  }

  ping(): void {
    if (this.ending !== undefined) return
    this.#pingsMs.push(performance.now())
    this.#socket?.write(pingreq)
  }

  publish(): void {
    if (this.ending !== undefined) return
    const id = (this.#sequence % MAXIMUM_PACKET_ID) + 1
    const packet = Buffer.from(this.#publish.bytes)
    packet.writeUInt16BE(id, this.#publish.idOffset)
    packet.writeUInt32BE(this.number, this.#publish.payloadOffset)
    packet.writeUInt32BE(this.#sequence, this.#publish.payloadOffset + 4)
    this.#inFlight.set(id, this.#sequence)
    this.#sequence += 1
    this.#socket?.write(packet)
  }

  /** Pings that are not answered yet count with the time that has passed. */
  takePingTimes(): number[] {
    const times = [...this.pingTimes, ...this.#pingsMs.map((sentMs) => performance.now() - sentMs)]
    this.pingTimes = []
    return times
  }

  message(_flags: number, packetId: number, _stream: number, sequence: number): void {
    this.received.add(sequence)
    this.#socket?.write(Buffer.of(PacketType.PUBACK << 4, 2, packetId >> 8, packetId & 0xff))
  }

  acknowledged(_type: number, packetId: number): void {
    const sequence = this.#inFlight.get(packetId)
    if (sequence === undefined) return
    this.#inFlight.delete(packetId)
    this.confirmed.add(sequence)
  }

  other(type: number, body: Buffer): void {
    if (type === PacketType.PINGRESP) {
      const sentMs = this.#pingsMs.shift()
      if (sentMs !== undefined) this.pingTimes.push(performance.now() - sentMs)
      return
    }
    const waiting = this.#waiting
    if (waiting?.type !== type) return
    this.#waiting = undefined
    const code = body.at(-1)!
    if (type === PacketType.CONNACK && code !== 0) waiting.reject(new Error(`CONNACK has Return Code ${code}`))
    else waiting.resolve()
  }

  destroy(): void {
    this.ending ??= 'it has left'
    this.#socket?.destroy()
  }

  #ask(packet: Buffer, type: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('a well-behaved client got no answer')), CONNECT_DEADLINE_MS)
      const settle =
        <A extends unknown[]>(act: (...given: A) => void) =>
        (...given: A): void => {
          clearTimeout(timer)
          act(...given)
        }
      this.#waiting = { type, resolve: settle(resolve), reject: settle(reject) }
      this.#socket?.write(packet)
    })
  }

  #end(reason: string): void {
    this.ending ??= reason
    this.#waiting?.reject(new Error(reason))
    this.#waiting = undefined
  }
}

const topicOf = (number: number): string => `good/${String(number).padStart(3, '0')}`
