import type { TurnTask } from '../../src/kinds/turn-scheduler.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { Client } from './client.ts'
import type { ClientWork } from './client-context.ts'
import { clientFields } from './client-log.ts'
import type { FilterPacketRecord, FiltersRecord } from './client-record.ts'
import { Phase } from './phase.ts'
import { Pause } from './reading.ts'

/** A packet with no more Topic Filters than this is handled in the turn in which it came. */
const MAXIMUM_AT_ONCE = 100

/** Units of work that a Topic Filter costs to decode. */
const DECODE_UNITS = 2

/** What a packet with Topic Filters asks for. All that it needs is in fields of the object, not in closures. */
export interface FilterRequests<Request> {
  readonly requests: readonly Request[]
  /** The packet in plain data. */
  toRecord(): FilterPacketRecord
  /** Handles one of them. @returns its Reason Code. */
  handle(request: Request): ReasonCode
  /** Units of work that this costs. */
  unitsOf(request: Request): number
  /**
   * Answers, when all are handled.
   * @param codes a Reason Code for each request, in their order.
   * @param batch of the store that holds the last of what was appended for them; undefined when nothing was.
   */
  answer(codes: ReasonCode[], batch: number | undefined): void
}

/**
 * Handles the Topic Filters of a SUBSCRIBE or UNSUBSCRIBE packet in their order. Many filters are handled over several turns of
 * the event loop, and the client is not read meanwhile. If its connection ends, the rest is skipped. The client holds the work meanwhile,
 * so that a reset can continue it.
 */
export class FilterWork<Request> implements TurnTask, ClientWork {
  readonly #client: Client
  readonly #packet: FilterRequests<Request>
  readonly #codes: ReasonCode[]
  #batch: number | undefined

  /** @param continued how far another one has come with the packet. */
  constructor(client: Client, packet: FilterRequests<Request>, continued?: Omit<FiltersRecord, 'packet'>) {
    this.#client = client
    this.#packet = packet
    this.#codes = continued === undefined ? [] : [...continued.codes]
    this.#batch = continued?.batch
  }

  handOver(): FiltersRecord {
    return { packet: this.#packet.toRecord(), codes: [...this.#codes], batch: this.#batch }
  }

  /** Handles all of them, now or over the next turns. */
  begin(): void {
    const { requests } = this.#packet
    const { connection, reading } = this.#client
    if (requests.length <= MAXIMUM_AT_ONCE) {
      let units = 0
      for (const request of requests) units += DECODE_UNITS + this.#handle(request)
      this.#answer()
      connection.chargeWork(units)
      return
    }
    connection.chargeWork(requests.length * DECODE_UNITS)
    reading.pause(Pause.Filters)
    this.#client.filters = this
    this.resume()
  }

  resume(): void {
    // Otherwise the work of the one that is in its place goes on.
    if (!this.#client.isCurrent) return
    try {
      this.#goOn()
    } catch (error) {
      const { handler } = this.#client
      handler.log.error({ err: error, ...clientFields(this.#client) }, 'Topic Filters not handled')
      // The connection is not read, and would not notice its end.
      this.#client.disconnect(ReasonCode.UnspecifiedError, 'its Topic Filters could not be handled', {
        reasonString: '',
      })
    }
  }

  #goOn(): void {
    const { scheduler } = this.#client.handler.broker
    const { requests } = this.#packet
    while (this.#codes.length < requests.length) {
      if (this.#client.phase !== Phase.Connected || !scheduler.mayGoOn(this)) return
      scheduler.spend(this.#handle(requests[this.#codes.length]!))
    }
    if (this.#client.phase !== Phase.Connected) return
    this.#client.filters = undefined
    this.#answer()
    this.#client.reading.resume(Pause.Filters)
  }

  /** @returns the units of work that it cost. */
  #handle(request: Request): number {
    const { journal } = this.#client.handler.broker
    const { position } = journal
    this.#codes.push(this.#packet.handle(request))
    if (journal.position !== position) this.#batch = journal.lastBatch
    return this.#packet.unitsOf(request)
  }

  #answer(): void {
    this.#packet.answer(this.#codes, this.#batch)
  }
}
