import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Packet } from 'mqtt-packet'
import { expect } from 'vitest'
import { carried } from './bridged-broker.ts'
import { connectPacket } from './connect-packet.ts'
import { payloads, persistent, subscribePacket } from './handler-harness.ts'
import { RelayHarness } from './relay-harness.ts'
import { SlowStore } from './slow-store.ts'
import { StrictPeer } from './strict-peer.ts'

const TOPICS = [carried('up/#', 'out'), carried('down/#', 'in')]

/**
 * A bridge, a remote broker that keeps to the specification, and the packets on the way between them. A test cuts the connection, delays
 * the store and ends the process where it likes.
 */
export class CutBridge {
  readonly peer = new StrictPeer()
  readonly #version: 4 | 5
  #store = new SlowStore()
  #bridge!: RelayHarness
  #isConnected = false
  #isKnown = false
  #toPeer: Packet[] = []
  #toBridge: Packet[] = []
  #messages = 0
  /** Messages that a publisher of this broker was told to be safe, and those that it was not yet. */
  readonly #safe: string[] = []
  #unsafe: string[] = []
  readonly #there: string[] = []
  /** Topics of messages that the bridge gave up. */
  readonly #dropped = new Set<string>()

  constructor(version: 4 | 5) {
    this.#version = version
  }

  async start(): Promise<void> {
    this.#bridge = new RelayHarness({
      ...{ version: this.#version, topics: TOPICS, isAway: true, expiryIntervalSeconds: 3_600 },
      parts: { store: this.#store },
    })
    await this.#bridge.broker.core.restore()
  }

  /** The collector is away. Everything that the bridge brings waits for it. */
  async begin(): Promise<void> {
    await this.start()
    const collector = this.#bridge.broker.connect(persistent('collector'))
    this.#store.settleAll()
    collector.take(subscribePacket({ 'down/#': {} }))
    this.#store.settleAll()
    collector.lose()
    await this.rest()
  }

  publishHere(qos: 1 | 2): void {
    this.#messages += 1
    const payload = `here ${qos} ${this.#messages}`
    this.#bridge.publish(`up/${payload}`, qos, payload)
    this.#unsafe.push(payload)
    this.#look()
  }

  publishThere(qos: 1 | 2): void {
    this.#messages += 1
    const payload = `there ${qos} ${this.#messages}`
    this.#there.push(payload)
    this.#toBridge.push(...this.peer.publish(payload, qos))
  }

  /** So many packets arrive. */
  arrive(side: 'here' | 'there', count: number): void {
    if (!this.#isConnected) return
    if (side === 'there') {
      for (const packet of this.#toPeer.splice(0, count)) this.#toBridge.push(...this.peer.take(packet))
    } else {
      for (const packet of this.#toBridge.splice(0, count)) this.#bridge.receive(packet).forEach(this.#left)
    }
    this.#look()
  }

  /** @param byRemote whether the bridge takes it for an end by the remote broker, and sends messages one by one then. */
  cut(byRemote: boolean): void {
    if (!this.#isConnected) return
    this.#look()
    this.#isConnected = false
    this.#bridge.lose(byRemote)
    for (const { topic } of this.#bridge.dropped.splice(0)) this.#dropped.add(topic)
    this.#loseAll()
  }

  connect(): void {
    if (this.#isConnected) return
    this.#isConnected = true
    this.#bridge.connect({ sessionPresent: this.#isKnown, receiveMaximum: 4 })
    this.#isKnown = true
    this.#toBridge.push(...this.peer.connect())
    this.#look()
  }

  endBatch(): void {
    this.#store.endBatch()
  }

  settleOldest(): void {
    this.#store.settleOldest()
    this.#look()
  }

  settle(): void {
    this.#store.settleAll()
    this.#safe.push(...this.#unsafe.splice(0))
    this.#look()
  }

  /** The process ends without a word, and another one begins with what the store had written. */
  async crash(): Promise<void> {
    this.cut(false)
    this.#bridge.stop()
    this.#store = this.#store.crash()
    this.#unsafe = []
    await this.start()
  }

  /** Everything arrives and is written until nothing more happens. */
  async rest(): Promise<void> {
    for (let quiet = 0, turns = 0; quiet < 3; turns += 1) {
      if (turns > 1_000) throw new Error('it does not come to rest')
      this.settle()
      this.connect()
      quiet = this.#toPeer.length + this.#toBridge.length > 0 ? 0 : quiet + 1
      this.arrive('there', Number.POSITIVE_INFINITY)
      this.arrive('here', Number.POSITIVE_INFINITY)
      await nextTurn()
    }
  }

  /** Checks that everything came, and ends. */
  async check(): Promise<void> {
    await this.rest()
    const here = this.#collect()
    const { inflight } = this.#bridge
    this.#bridge.stop()
    const { delivered, faults, isQuiet } = this.peer
    const safe = this.#safe.filter((payload) => !this.#dropped.has(`up/${payload}`))
    expect({ faults, lostThere: missing(safe, delivered), lostHere: missing(this.#there, here) }).toEqual({
      ...{ faults: [], lostThere: [], lostHere: [] },
    })
    expect({ there: twice(delivered), here: twice(here) }).toEqual({ there: [], here: [] })
    expect({ inflight, isQuiet }).toEqual({ inflight: 0, isQuiet: true })
  }

  /** What has come to the collector. */
  #collect(): string[] {
    const collector = this.#bridge.broker.open()
    collector.sent.push(...collector.take(connectPacket(persistent('collector'))))
    const here: string[] = []
    for (this.#store.settleAll(); collector.sent.length > 0; this.#store.settleAll()) {
      const packets = collector.take()
      here.push(...payloads(packets))
      collector.sent.push(...collector.take(...packets.flatMap(answerOf)))
    }
    return here
  }

  readonly #left = (packet: Packet): void => {
    this.peer.watch(packet)
    this.#toPeer.push(packet)
  }

  /** What the bridge has sent is on the way. */
  #look(): void {
    if (this.#isConnected) this.#bridge.sent().forEach(this.#left)
  }

  #loseAll(): void {
    this.peer.lose()
    this.#toPeer = []
    this.#toBridge = []
  }
}

const missing = (wanted: readonly string[], got: readonly string[]) =>
  wanted.filter((payload) => !got.includes(payload))
const twice = (got: readonly string[]) =>
  got.filter((payload, at) => payload.includes(' 2 ') && got.indexOf(payload) !== at)

/** What a client answers. */
const answerOf = (packet: Packet): Packet[] => {
  const { messageId = 0 } = packet
  if (packet.cmd === 'publish') return [{ cmd: packet.qos === 1 ? 'puback' : 'pubrec', messageId }]
  return packet.cmd === 'pubrel' ? [{ cmd: 'pubcomp', messageId }] : []
}
