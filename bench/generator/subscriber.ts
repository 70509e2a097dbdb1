import type { Version } from '../plan.ts'
import { Client, type Target } from './client.ts'
import type { Meter } from './meter.ts'
import { PacketType } from './packets.ts'
import type { Publisher } from './publisher.ts'
import { SequenceChecker } from './sequence-checker.ts'

const ACKNOWLEDGEMENT_BYTES = 4

/** Counts deliveries, checks that each message comes once and in order, and acknowledges. */
export class Subscriber extends Client {
  /** The consecutive streams whose messages it should get. */
  readonly #publishers: readonly Publisher[]
  readonly #firstStream: number
  readonly #payloadBytes: number
  readonly #checker: SequenceChecker

  // Acknowledgements of this chunk, which leave in one write.
  #outbox = Buffer.allocUnsafe(1024)
  #outboxBytes = 0

  constructor(
    target: Target,
    version: Version,
    meter: Meter,
    expected: { readonly publishers: readonly Publisher[]; readonly payloadBytes: number },
  ) {
    super(target, version, meter)
    this.#publishers = expected.publishers
    this.#firstStream = expected.publishers[0]!.stream
    this.#payloadBytes = expected.payloadBytes
    this.#checker = new SequenceChecker(expected.publishers.length)
  }

  override message(
    flags: number,
    packetId: number,
    stream: number,
    sequence: number,
    sentAtMs: number,
    payloadBytes: number,
  ): void {
    const index = stream - this.#firstStream
    const publisher = this.#publishers[index]
    if (publisher === undefined) {
      this.meter.faults.misrouted += 1
      return
    }
    if (payloadBytes !== this.#payloadBytes) this.meter.faults.damaged += 1
    const accounted = this.#checker.accept(index, sequence)
    if (accounted > 0) publisher.settle(accounted)
    this.meter.delivered(sequence, sentAtMs, payloadBytes)
    const qos = (flags >> 1) & 0b11
    if (qos === 1) this.#acknowledge(PacketType.PUBACK << 4, packetId)
    else if (qos === 2) this.#acknowledge(PacketType.PUBREC << 4, packetId)
  }

  override acknowledged(type: number, packetId: number, reasonCode: number): void {
    if (type !== PacketType.PUBREL || reasonCode >= 0x80) this.meter.faults.wrongAcknowledgements += 1
    else this.#acknowledge(PacketType.PUBCOMP << 4, packetId)
  }

  /** Adds its faults to the result. Called last. */
  judge(): void {
    const { faults } = this.meter
    faults.duplicated += this.#checker.duplicated
    faults.reordered += this.#checker.reordered
    faults.lost += this.#checker.missing
    for (const [index, publisher] of this.#publishers.entries()) {
      faults.lost += this.#checker.outstanding(index, publisher.sent)
    }
  }

  protected override endChunk(): void {
    if (this.#outboxBytes === 0) return
    this.socket.write(Buffer.from(this.#outbox.subarray(0, this.#outboxBytes)))
    this.#outboxBytes = 0
  }

  #acknowledge(firstByte: number, packetId: number): void {
    if (this.#outboxBytes + ACKNOWLEDGEMENT_BYTES > this.#outbox.length) {
      const larger = Buffer.allocUnsafe(this.#outbox.length * 2)
      this.#outbox.copy(larger)
      this.#outbox = larger
    }
    const outbox = this.#outbox
    outbox[this.#outboxBytes++] = firstByte
    outbox[this.#outboxBytes++] = 2
    outbox[this.#outboxBytes++] = packetId >> 8
    outbox[this.#outboxBytes++] = packetId & 0xff
  }
}
