import type { Identity } from '../../src/kinds/authorizer.ts'
import { describePeer } from '../../src/kinds/peer.ts'
import type { Recipient, RecipientDescription } from '../../src/kinds/recipient.ts'
import { shortenText } from '../../src/mqtt/shorten-text.ts'

/** What names a session in the log. */
export interface NamedSession {
  readonly id: string
  /** Who its client is, or was when it was last connected. */
  readonly identity: Identity
  /** The client while it is connected. */
  readonly recipient: Recipient | undefined
}

/** Names a session in a line of the log, whose client may be away: `kitchen from 192.0.2.7:5123 (user bob)`. */
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
