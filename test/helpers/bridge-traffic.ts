import type { RealClient } from './mqtt-js.ts'

/** Messages of one direction: from a client of one broker to a subscriber of the other. */
export class BridgeTraffic {
  readonly #publisher: RealClient
  readonly #subscriber: RealClient
  readonly #topic: string
  readonly #published: string[] = []
  readonly #received = new Map<string, number>()
  #isOver = false

  /** @param topic of the publisher, without the last level. */
  constructor(publisher: RealClient, subscriber: RealClient, topic: string) {
    this.#publisher = publisher
    this.#subscriber = subscriber
    this.#topic = topic
  }

  /** Acknowledged messages so far. */
  get published(): number {
    return this.#published.length
  }

  /** Different messages that arrived. */
  get received(): number {
    return this.#received.size
  }

  /** Publishes until `end`. */
  async publish(): Promise<void> {
    while (!this.#isOver) await this.publishSome(1)
  }

  /** Publishes at QoS 1 and 2 in turn, one message after the other. Each is counted once it is acknowledged. */
  async publishSome(count: number): Promise<void> {
    for (let left = count; left > 0; left -= 1) {
      const qos = this.published % 2 === 0 ? 1 : 2
      const payload = `${qos} ${this.published}`
      await this.#publisher.mqtt.publishAsync(`${this.#topic}/${qos}`, payload, { qos })
      this.#published.push(payload)
    }
  }

  end(): void {
    this.#isOver = true
  }

  /** Receives until everything that was acknowledged is there. */
  async receiveAll(): Promise<void> {
    while (this.#missing.length > 0) {
      const { payload } = await this.#subscriber.next()
      this.#received.set(payload, (this.#received.get(payload) ?? 0) + 1)
    }
  }

  get #missing(): string[] {
    return this.#published.filter((payload) => !this.#received.has(payload))
  }

  /** Receives up to the message with this payload. */
  async receiveUntil(mark: string): Promise<void> {
    for (
      let { payload } = await this.#subscriber.next();
      payload !== mark;
      { payload } = await this.#subscriber.next()
    ) {
      this.#received.set(payload, (this.#received.get(payload) ?? 0) + 1)
    }
  }

  /** Messages at QoS 2 that came more than once. */
  get twice(): string[] {
    return [...this.#received].flatMap(([payload, times]) => (payload.startsWith('2') && times > 1 ? [payload] : []))
  }
}
