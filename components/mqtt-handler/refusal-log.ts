import type { Message } from '../../src/mqtt/message.ts'
import type { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { Client } from './client.ts'

/** Reports that a message of the client was not accepted. Counted, and logged once for each reason. */
export const refusedPublish = (client: Client, { topic }: Message, reasonCode: ReasonCode): void => {
  client.handler.counters.refusedPublishes += 1
  const next = 'the next ones for the same reason are only counted'
  refused(client, reasonCode, { topic }, 'Message not accepted', next)
}

/** Reports that a subscription was refused. Logged once for each reason, since a packet can contain thousands. */
export const refusedSubscription = (client: Client, reasonCode: ReasonCode, why: string): void =>
  refused(client, reasonCode, { why }, 'Subscription refused', 'the next ones for the same reason are not logged')

const refused = (
  client: Client,
  reasonCode: ReasonCode,
  what: Readonly<Record<string, string>>,
  text: string,
  next: string,
): void => {
  const kind = `${reasonCode} ${text}`
  client.refusals ??= new Set()
  if (client.refusals.has(kind)) return
  client.refusals.add(kind)
  client.handler.clientLog.refused(client, reasonCode, what, text, next)
}
