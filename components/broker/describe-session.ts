import type { Identity } from '../../src/kinds/authorizer.ts'
import { describePeer } from '../../src/kinds/peer.ts'
import type { Recipient, RecipientDescription } from '../../src/kinds/recipient.ts'
import { shortenText } from '../../src/mqtt/shorten-text.ts'

/** The data that identifies a session in the log. */
export interface NamedSession {
  readonly id: string
  /** The identity of its client, now or at its last connection. */
  readonly identity: Identity
  /** The client while it is connected. */
  readonly recipient: Recipient | undefined
}

/** Identifies a session in a log line, also if its client is away: `kitchen from 192.0.2.7:5123 (user bob)`. */
export const describeSession = ({ id, identity, recipient }: NamedSession): RecipientDescription => {
  if (recipient !== undefined) return recipient.describe()
  const remote = describePeer(identity.peer)
  const { userName } = identity
  const user = userName && shortenText(userName)
  return {
    text: `${shortenText(id)} from ${remote}${user ? ` (user ${user})` : ''}`,
    fields: { client: shortenText(id), remote, user },
  }
}
