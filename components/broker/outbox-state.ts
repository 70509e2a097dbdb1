import { Fifo } from '../../src/collections/fifo.ts'
import { Inflight } from '../../src/mqtt/inflight.ts'
import { HeldMessages } from './held-messages.ts'
import { Outgoing } from './outgoing.ts'
import { OwedPubrels } from './owed-pubrels.ts'
import { SendQuota } from './send-quota.ts'
import type { WaitingState } from './waiting-messages.ts'

/** What one outbox hands over to its successor at a reset. All of it goes by reference. */
export interface OutboxState {
  /** `Outgoing.shared` of its generation of the code. */
  readonly shared: readonly Outgoing[]
  readonly inflight: Inflight<Outgoing>
  readonly resend: Fifo<Outgoing>
  readonly held: HeldMessages
  readonly quota: SendQuota
  readonly owedPubrels: OwedPubrels
  readonly waiting: WaitingState
  readonly lastSequence: number
}

/**
 * The state in the classes of this generation of the code. What is of the same class already is taken as it is, however large; what is
 * of an edited class is made anew.
 */
export const continuedOutbox = (before: OutboxState): OutboxState => {
  const own = before.shared[0] instanceof Outgoing ? before : withOwnMessages(before)
  const { held, quota, owedPubrels } = own
  return {
    ...own,
    held: held instanceof HeldMessages ? held : HeldMessages.from(held),
    quota: quota instanceof SendQuota ? quota : SendQuota.from(quota),
    owedPubrels: owedPubrels instanceof OwedPubrels ? owedPubrels : OwedPubrels.from(owedPubrels),
  }
}

/** A message may stand in several places. */
const withOwnMessages = (before: OutboxState): OutboxState => {
  const known = new Map<Outgoing, Outgoing>()
  const own = (outgoing: Outgoing): Outgoing => {
    const found = known.get(outgoing) ?? Outgoing.continued(outgoing, before.shared)
    known.set(outgoing, found)
    return found
  }
  const ownFifo = (messages: Iterable<Outgoing>): Fifo<Outgoing> => {
    const fifo = new Fifo<Outgoing>()
    for (const outgoing of messages) fifo.push(own(outgoing))
    return fifo
  }
  const held = new HeldMessages()
  for (const { outgoing, batch } of before.held.entries()) held.hold(own(outgoing), batch)
  held.lastBatch = before.held.lastBatch
  return {
    ...before,
    shared: Outgoing.shared,
    inflight: Inflight.of(before.inflight.entries(), before.inflight.last, own),
    resend: ownFifo(before.resend),
    held,
    waiting: { ...before.waiting, queue: ownFifo(before.waiting.queue) },
  }
}
