import type { ClientBroker } from '../../src/kinds/client-broker.ts'
import type { ClientSession } from '../../src/kinds/client-session.ts'

/**
 * The session in the present broker.
 * @param before the broker that the session belongs to. @throws when the present one has no successor of it.
 */
export const successorOf = (session: ClientSession, before: ClientBroker, present: ClientBroker): ClientSession => {
  if (before === present) return session
  const successor = present.successorOf?.(session)
  if (successor === undefined) throw new Error(`the new broker does not have the session of client ${session.id}`)
  return successor
}
