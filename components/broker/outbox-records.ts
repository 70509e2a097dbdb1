/** What becomes of a message to the client of one session, for the store: nothing for a session that ends with its connection. */

import type { Message } from '../../src/mqtt/message.ts'
import type { OutboxContext, OutboxOwner } from './outbox-owner.ts'
import type { Outgoing } from './outgoing.ts'

/** It has a Packet Identifier. @param kept its content. @param isStored whether the store has it already. */
export const recordSent = (
  { persistent, id: session }: OutboxOwner,
  { journal }: OutboxContext,
  outgoing: Outgoing,
  kept: Message,
  isStored: boolean,
): void => {
  if (!persistent) return
  const { sequence, packetIdentifier } = outgoing
  if (isStored) journal.append({ type: 'sent', session, sequence, packetIdentifier })
  else journal.append({ type: 'queued', session, queued: outgoing.record(kept) })
}

/** Its PUBREC came. */
export const recordPubrec = (
  { persistent, id: session }: OutboxOwner,
  { journal }: OutboxContext,
  { sequence, pubrecOrder }: Outgoing,
): void => {
  if (persistent) journal.append({ type: 'pubrec', session, sequence, pubrecOrder })
}

/** It is acknowledged, or was discarded. */
export const recordDone = (
  { persistent, id: session }: OutboxOwner,
  { journal }: OutboxContext,
  { sequence }: Outgoing,
): void => {
  if (persistent) journal.append({ type: 'done', session, sequence })
}
