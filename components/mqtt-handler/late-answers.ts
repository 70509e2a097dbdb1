import type { ClientBroker } from '../../src/kinds/client-broker.ts'
import type { ClientSession, PendingPublication } from '../../src/kinds/client-session.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { ClientLateAnswer, EndedLateRecord } from './client-context.ts'
import type { LateRecord } from './client-record.ts'
import type { HandlerCounters } from './counters.ts'
import type { Finisher } from './late-port.ts'
import { rememberQoS2 } from './remember-qos-2.ts'

/** Its answer, in the handler that continues: no client gets it, but its Packet Identifier is remembered. */
export class EndedLateAnswer implements ClientLateAnswer, Finisher {
  readonly record: LateRecord
  readonly #session: ClientSession
  readonly #isVersion5: boolean
  readonly #handler: { readonly counters: HandlerCounters; readonly lateAnswers: Set<ClientLateAnswer> }

  constructor(
    record: LateRecord,
    session: ClientSession,
    isVersion5: boolean,
    handler: { readonly counters: HandlerCounters; readonly lateAnswers: Set<ClientLateAnswer> },
  ) {
    this.record = record
    this.#session = session
    this.#isVersion5 = isVersion5
    this.#handler = handler
  }

  handOverEnded(broker: ClientBroker): EndedLateRecord {
    return { ...this.record, session: this.#session, broker, isVersion5: this.#isVersion5 }
  }

  takeBack(): void {
    this.record.port.to = this
  }

  finished(reason: ReasonCode, { isRefused }: PendingPublication): void {
    const { counters, lateAnswers } = this.#handler
    lateAnswers.delete(this)
    if (reason >= ReasonCode.UnspecifiedError) counters.refusedPublishes += 1
    if (this.record.qos < 2 || this.#session.hasEnded) return
    rememberQoS2(this.#session, this.record, reason, isRefused, this.#isVersion5, false)
  }
}
