import type { Connection } from '../../src/kinds/connection.ts'
import type {
  ByteReceiver,
  ControlPacket,
  DecoderInput,
  DecoderStage,
  EncoderStage,
  FilterStage,
  HandlerStage,
  PacketReceiver,
} from '../../src/kinds/pipeline-stage.ts'

/** What all generations of the stages of a test report to. */
export interface NumberedReport {
  /** What went wrong: a number that was lost, or came twice; a stage that was used after it had left. */
  readonly faults: string[]
  /** The connection whose handler, or other stage, throws when it is opened anew; undefined for none. */
  failing: { readonly stage: string; readonly connection: number } | undefined
  /** Ends that were opened and have not left, and whose connection is not closed. */
  live: number
}

export const numberedReport = (): NumberedReport => ({ faults: [], failing: undefined, live: 0 })

/** A packet of the tests: a PUBACK with its number. */
export const numberedPacket = (number: number): Buffer => Buffer.from([0x40, 2, number >> 8, number & 0xff])

/** The state of a client: passed by reference, as a handler does it with what holds messages. */
interface ClientState {
  last: number
  /** Numbers that were received and not answered. */
  readonly waiting: number[]
  owner: NumberedClient
}

/**
 * Stages of one generation: a decoder of packets that come in any pieces, a handler that answers each packet in a later turn of the event
 * loop, and an encoder. They hand over what they hold for a connection. Numbers must come in their order, each once.
 */
export const numberedStages = (report: NumberedReport) => {
  const open = (stage: string, { id }: Connection): void => {
    const { failing } = report
    if (failing?.stage === stage && failing.connection === id) throw new Error(`${stage} ${id} does not open`)
    report.live += 1
  }
  const decoder: DecoderStage = {
    role: 'decoder',
    open: (connection, next, handed) => {
      open('decoder', connection)
      return new NumberedDecoder(connection, next, report, handed as Buffer | undefined)
    },
  }
  const handler: HandlerStage = {
    role: 'handler',
    open: (connection, next, handed) => {
      open('handler', connection)
      return new NumberedClient(connection, next, report, handed as ClientState | undefined)
    },
  }
  const encoder: EncoderStage = {
    role: 'encoder',
    open: (connection, next) => {
      open('encoder', connection)
      return new NumberedEncoder(next, report)
    },
  }
  return { decoder, handler, encoder, all: [decoder, handler, encoder] as const }
}

/** A filter of both directions without a state of its own. */
export const passingFilter = (): FilterStage => {
  const open = (_: Connection, next: PacketReceiver): PacketReceiver => ({
    packet: (packet) => next.packet(packet),
    publish: (publish) => next.publish(publish),
  })
  return { role: 'filter', open, openOutgoing: open }
}

/** What a stage of a connection has in common with the others: it must not be used after it has left. */
abstract class End {
  protected readonly report: NumberedReport
  #left = false

  constructor(report: NumberedReport) {
    this.report = report
  }

  left(): void {
    if (this.#left) this.report.faults.push('a stage was left twice')
    this.#left = true
    this.report.live -= 1
  }

  closed(): void {
    this.use()
    this.report.live -= 1
  }

  protected use(): void {
    if (this.#left) this.report.faults.push(`${this.constructor.name} was used after it had left`)
  }
}

class NumberedDecoder extends End implements DecoderInput {
  readonly #connection: Connection
  #next: PacketReceiver
  #partial: Buffer

  constructor(connection: Connection, next: PacketReceiver, report: NumberedReport, handed: Buffer = Buffer.alloc(0)) {
    super(report)
    this.#connection = connection
    this.#next = next
    this.#partial = handed
  }

  bytes(chunk: Uint8Array): number {
    this.use()
    let bytes = Buffer.concat([this.#partial, chunk])
    for (; bytes.length >= 4 && this.#connection.open; bytes = bytes.subarray(4)) {
      this.#next.packet({ cmd: 'puback', messageId: bytes.readUInt16BE(2) })
    }
    this.#partial = bytes
    return chunk.length
  }

  redirect(next: PacketReceiver): void {
    this.use()
    this.#next = next
  }

  handOver(): Buffer {
    return this.#partial
  }
}

class NumberedClient extends End implements PacketReceiver {
  readonly #next: PacketReceiver
  readonly #state: ClientState

  constructor(_: Connection, next: PacketReceiver, report: NumberedReport, handed?: ClientState) {
    super(report)
    this.#next = next
    this.#state = handed ?? { last: 0, waiting: [], owner: this }
    this.#state.owner = this
  }

  packet({ messageId = 0 }: ControlPacket & { messageId?: number }): void {
    this.use()
    const state = this.#state
    if (messageId !== state.last + 1) this.report.faults.push(`${messageId} came after ${state.last}`)
    state.last = messageId
    state.waiting.push(messageId)
    setImmediate(() => state.owner.answer())
  }

  publish(): void {
    this.report.faults.push('unexpected PUBLISH')
  }

  answer(): void {
    this.use()
    this.#next.packet({ cmd: 'puback', messageId: this.#state.waiting.shift()! })
  }

  handOver(): ClientState {
    return this.#state
  }

  takeBack(): void {
    this.#state.owner = this
  }
}

class NumberedEncoder extends End implements PacketReceiver {
  readonly #next: ByteReceiver

  constructor(next: ByteReceiver, report: NumberedReport) {
    super(report)
    this.#next = next
  }

  packet({ messageId = 0 }: ControlPacket & { messageId?: number }): void {
    this.use()
    this.#next.bytes(numberedPacket(messageId))
  }

  publish(): void {
    this.report.faults.push('unexpected PUBLISH')
  }
}
