/**
 * The bare relay: the minimum work of a broker in Node, and so the limit for a complete broker. It frames PUBLISH, looks the
 * topic up in a Map, and sends what a socket gets in one turn of the event loop in one write. Sockets read into one shared
 * buffer, and what is forwarded is copied into an arena that is used again in every turn. It checks nothing, bounds nothing,
 * and forwards the bytes as they came, in one version at a time. At QoS 1 it gives each message a Packet Identifier for its
 * subscriber and acknowledges it to its publisher, but stores neither. It does not support QoS 2.
 */

import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { Arena } from './arena.ts'

/** Called for each frame, for tests with a faulty relay. @returns the frames to forward instead. */
export type Tamper = (frame: Buffer) => readonly Buffer[]

const CONNACK = Buffer.of(0x20, 2, 0, 0)
const CONNACK_5 = Buffer.of(0x20, 3, 0, 0, 0)
const PINGRESP = Buffer.of(0xd0, 0)

/** Those of the first byte of PUBLISH that hold the QoS. */
const QOS_BITS = 0x06

/** Writes above this many bytes for a frame on the average go out beside each other, others are joined. */
const joinBelowBytes = 4096

class Peer {
  readonly socket: Socket
  readonly #flushLater: (peer: Peer) => void
  #frames: Buffer[] = []
  #bytes = 0
  version = 4
  #lastIdentifier = 0

  constructor(socket: Socket, flushLater: (peer: Peer) => void) {
    this.socket = socket
    this.#flushLater = flushLater
  }

  /** Another Packet Identifier with each call. */
  nextIdentifier(): number {
    this.#lastIdentifier = this.#lastIdentifier === 0xffff ? 1 : this.#lastIdentifier + 1
    return this.#lastIdentifier
  }

  push(frame: Buffer): void {
    this.#bytes += frame.length
    if (this.#frames.push(frame) === 1) this.#flushLater(this)
  }

  /** @returns whether the operating system took everything. */
  flush(): boolean {
    const frames = this.#frames
    if (frames.length === 1) {
      this.socket.write(frames[0]!)
    } else if (this.#bytes < joinBelowBytes * frames.length) {
      this.socket.write(Buffer.concat(frames, this.#bytes))
    } else {
      this.socket.cork()
      for (const frame of frames) this.socket.write(frame)
      this.socket.uncork()
    }
    this.#frames = []
    this.#bytes = 0
    return this.socket.writableLength === 0
  }
}

class Relay {
  readonly #arena = new Arena()
  readonly #exact = new Map<string, Set<Peer>>()
  readonly #wildcard = new Map<string, Set<Peer>>()
  /** The subscribers of a published topic: exact and wildcard filters together, until a subscription changes. */
  readonly #routes = new Map<string, Peer[]>()
  readonly #tamper: Tamper | undefined
  #waiting: Peer[] = []

  constructor(tamper?: Tamper) {
    this.#tamper = tamper
  }

  /** @param isPlain whether the socket has `data` events, as in any server; otherwise it reads into the shared buffer. */
  accept(accepted: Socket, isPlain: boolean): void {
    let peer: Peer
    const filters = new Set<string>()
    const read = framer(
      (frame, bodyStart) => {
        const socket = peer.socket
        switch (frame[0]! >> 4) {
          case 1:
            peer.version = frame[bodyStart + 6]!
            peer.push(peer.version === 5 ? CONNACK_5 : CONNACK)
            break
          case 3:
            this.#publish(frame, bodyStart, peer)
            break
          case 8:
            this.#subscribe(frame, bodyStart, peer, filters)
            break
          case 12:
            peer.push(PINGRESP)
            break
          case 14:
            socket.end()
            break
        }
      },
      isPlain ? (bytes) => bytes : (bytes) => this.#arena.hold(bytes),
    )
    const socket = isPlain ? accepted.on('data', read) : this.#arena.adopt(accepted, read)
    socket.setNoDelay(true)
    peer = new Peer(socket, this.#flushLater)
    socket.on('error', () => {})
    socket.on('close', () => {
      for (const filter of filters) this.#unsubscribe(filter, peer)
    })
    socket.resume()
  }

  #publish(frame: Buffer, bodyStart: number, publisher: Peer): void {
    const topicEnd = bodyStart + 2 + frame.readUInt16BE(bodyStart)
    const topic = frame.toString('latin1', bodyStart + 2, topicEnd)
    const peers = this.#routes.get(topic) ?? this.#route(topic)
    if (this.#tamper !== undefined) {
      for (const each of this.#tamper(frame)) for (const peer of peers) peer.push(each)
      return
    }
    if ((frame[0]! & QOS_BITS) === 0) for (const peer of peers) peer.push(frame)
    else this.#publishQoS1(frame, topicEnd, peers, publisher)
  }

  /** @param identifierAt where the Packet Identifier stands in the frame. */
  #publishQoS1(frame: Buffer, identifierAt: number, peers: readonly Peer[], publisher: Peer): void {
    publisher.push(Buffer.of(0x40, 2, frame[identifierAt]!, frame[identifierAt + 1]!))
    for (const [index, peer] of peers.entries()) {
      // The last one gets the bytes that came in.
      const own = index === peers.length - 1 ? frame : Buffer.from(frame)
      own.writeUInt16BE(peer.nextIdentifier(), identifierAt)
      peer.push(own)
    }
  }

  #route(topic: string): Peer[] {
    const peers = [...(this.#exact.get(topic) ?? [])]
    for (const [filter, subscribed] of this.#wildcard) if (matches(filter, topic)) peers.push(...subscribed)
    this.#routes.set(topic, peers)
    return peers
  }

  /** One filter to a packet, which is granted QoS 1 at most. */
  #subscribe(frame: Buffer, bodyStart: number, peer: Peer, filters: Set<string>): void {
    const start = bodyStart + 2 + (peer.version === 5 ? 1 + frame[bodyStart + 2]! : 0)
    const filter = frame.toString('latin1', start + 2, start + 2 + frame.readUInt16BE(start))
    filters.add(filter)
    const index = filter.includes('+') ? this.#wildcard : this.#exact
    const peers = index.get(filter) ?? new Set()
    index.set(filter, peers.add(peer))
    this.#routes.clear()
    const id = frame.subarray(bodyStart, bodyStart + 2)
    const qos = Math.min(frame.at(-1)! & 3, 1)
    peer.push(Buffer.of(0x90, peer.version === 5 ? 4 : 3, ...id, ...(peer.version === 5 ? [0, qos] : [qos])))
  }

  #unsubscribe(filter: string, peer: Peer): void {
    for (const index of [this.#exact, this.#wildcard]) {
      const peers = index.get(filter)
      if (peers?.delete(peer) === true && peers.size === 0) index.delete(filter)
    }
    this.#routes.clear()
  }

  readonly #flushLater = (peer: Peer): void => {
    if (this.#waiting.push(peer) === 1) setImmediate(this.#flush)
  }

  readonly #flush = (): void => {
    const peers = this.#waiting
    this.#waiting = []
    let allTaken = true
    for (const peer of peers) allTaken = peer.flush() && allTaken
    this.#arena.endTurn(allTaken)
  }
}

export interface RelayOptions {
  readonly tamper?: Tamper
  /** Sockets have `data` events: a plain server of `node:net`, the reference for the cost of a connection. */
  readonly isPlain?: boolean
  /** Serves TLS with this certificate and key, in PEM; its sockets have `data` events. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer }
}

export const createRelay = ({ tamper, isPlain = false, tls }: RelayOptions = {}): Server => {
  const relay = new Relay(tamper)
  if (tls !== undefined)
    return createTlsServer({ ...tls, pauseOnConnect: true }, (socket) => relay.accept(socket, true))
  return createServer({ pauseOnConnect: true }, (socket) => relay.accept(socket, isPlain))
}

const matches = (filter: string, topic: string): boolean => {
  const wanted = filter.split('/')
  const levels = topic.split('/')
  return wanted.length === levels.length && wanted.every((level, index) => level === '+' || level === levels[index])
}

/**
 * Splits chunks into packets. The chunks of a packet that came in several are joined once, when all are there.
 * @param hold returns the same bytes in memory that lasts beyond this turn.
 */
const framer = (
  take: (frame: Buffer, bodyStart: number) => void,
  hold: (bytes: Buffer) => Buffer,
): ((chunk: Buffer) => void) => {
  let held: Buffer[] = []
  let heldBytes = 0
  /** Bytes that the packet that is held needs; 0 when not even its length is known. */
  let needed = 0
  return (chunk) => {
    let bytes = chunk
    if (heldBytes > 0) {
      held.push(hold(chunk))
      heldBytes += chunk.length
      if (heldBytes < needed) return
      bytes = Buffer.concat(held, heldBytes)
      held = []
      heldBytes = 0
    }
    let start = 0
    needed = 0
    while (start + 2 <= bytes.length) {
      let position = start + 1
      let length = 0
      let scale = 1
      let byte = 0x80
      while (byte >= 0x80 && position < bytes.length) {
        byte = bytes[position++]!
        length += (byte & 0x7f) * scale
        scale *= 128
      }
      if (byte >= 0x80) break
      if (position + length > bytes.length) {
        needed = position + length - start
        break
      }
      take(bytes.subarray(start, position + length), position - start)
      start = position + length
    }
    if (start < bytes.length) {
      held = [hold(start === 0 ? bytes : bytes.subarray(start))]
      heldBytes = bytes.length - start
    }
  }
}
