import type { Packet } from 'mqtt-packet'

interface Sent {
  readonly payload: string
  readonly qos: 1 | 2
  /** PUBREL was sent. */
  isReleased: boolean
  /** PUBLISH was sent. */
  isSent: boolean
}

/** Messages at QoS 1 and 2 that it sends before the first is acknowledged. */
const WINDOW = 4

/**
 * The session of a bridge at a remote broker that keeps to the specification in everything. It uses each Packet Identifier again as
 * soon as it may, so that a bridge that remembers too much or too little loses a message or brings it twice.
 */
export class StrictPeer {
  /** The payloads of the messages from the bridge, in their order. */
  readonly delivered: string[] = []
  /** What the bridge did against the specification. */
  readonly faults: string[] = []
  readonly #received = new Set<number>()
  readonly #waiting: Omit<Sent, 'isReleased' | 'isSent'>[] = []
  readonly #inflight = new Map<number, Sent>()
  /** Identifiers of the bridge for which it has sent PUBREL over any connection, and PUBCOMP was not sent since. */
  readonly #released = new Set<number>()
  #isConnected = false

  /** Whether everything that it publishes is acknowledged. */
  get isQuiet(): boolean {
    return this.#inflight.size + this.#waiting.length === 0
  }

  /** Publishes a message to the bridge. @returns what is sent. */
  publish(payload: string, qos: 1 | 2): Packet[] {
    this.#waiting.push({ payload, qos })
    return this.#pump()
  }

  /** A connection begins. @returns what is sent again. */
  connect(): Packet[] {
    this.#isConnected = true
    const packets: Packet[] = []
    for (const [messageId, sent] of this.#inflight) {
      if (sent.isReleased) packets.push({ cmd: 'pubrel', messageId })
      else packets.push(publishOf(messageId, sent))
    }
    return [...packets, ...this.#pump()]
  }

  lose(): void {
    this.#isConnected = false
  }

  /** A packet of the bridge arrives. @returns the answers. */
  take(packet: Packet): Packet[] {
    const { messageId = 0 } = packet
    switch (packet.cmd) {
      case 'subscribe':
        return [{ cmd: 'suback', messageId, granted: packet.subscriptions.map(() => 2) }]
      case 'publish':
        return this.#publish(packet.payload.toString(), packet.qos, messageId)
      case 'pubrel':
        this.#received.delete(messageId)
        this.#released.delete(messageId)
        return [{ cmd: 'pubcomp', messageId }]
      case 'pubrec':
        return this.#pubrec(messageId)
      default:
        return this.#complete(messageId, packet.cmd)
    }
  }

  /** The bridge has sent a packet, which may not arrive. */
  watch(packet: Packet): void {
    const { messageId = 0 } = packet
    if (packet.cmd === 'pubrel' && this.#received.has(messageId)) this.#released.add(messageId)
    // [MQTT-4.3.3-6]
    if (packet.cmd === 'publish' && packet.qos > 0 && this.#released.has(messageId))
      this.faults.push(`PUBLISH ${messageId} after PUBREL`)
  }

  #publish(payload: string, qos: number, messageId: number): Packet[] {
    if (qos < 2) {
      this.delivered.push(payload)
      return [{ cmd: 'puback', messageId }]
    }
    if (!this.#received.has(messageId)) this.delivered.push(payload)
    this.#received.add(messageId)
    return [{ cmd: 'pubrec', messageId }]
  }

  #pubrec(messageId: number): Packet[] {
    const sent = this.#inflight.get(messageId)
    if (sent?.qos !== 2) this.faults.push(`PUBREC ${messageId} for no message at QoS 2`)
    else sent.isReleased = true
    return [{ cmd: 'pubrel', messageId }]
  }

  #complete(messageId: number, cmd: string): Packet[] {
    const sent = this.#inflight.get(messageId)
    const isRight = cmd === 'puback' ? sent?.qos === 1 : cmd === 'pubcomp' && sent?.isReleased === true
    if (!isRight) this.faults.push(`${cmd.toUpperCase()} ${messageId} for no message that waits for it`)
    this.#inflight.delete(messageId)
    return this.#pump()
  }

  #pump(): Packet[] {
    const packets: Packet[] = []
    while (this.#isConnected && this.#inflight.size < WINDOW && this.#waiting.length > 0) {
      let messageId = 1
      while (this.#inflight.has(messageId)) messageId += 1
      const sent = { ...this.#waiting.shift()!, isReleased: false, isSent: false }
      this.#inflight.set(messageId, sent)
      packets.push(publishOf(messageId, sent))
    }
    return packets
  }
}

/** DUP is set when it is sent again [MQTT-3.3.1-1]. */
const publishOf = (messageId: number, sent: Sent): Packet => {
  const { payload, qos, isSent: dup } = sent
  sent.isSent = true
  return { cmd: 'publish', topic: 'down/a', payload, qos, messageId, dup, retain: false }
}
