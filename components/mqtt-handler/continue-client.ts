import { Claim } from './accept.ts'
import { Authentication } from './authentication.ts'
import { type AnswerPurpose, AwaitedAnswer } from './await-answer.ts'
import type { Client } from './client.ts'
import type { ClientRecord, FiltersRecord, PurposeRecord } from './client-record.ts'
import { CredentialsCheck } from './credentials-check.ts'
import { FilterWork } from './filter-work.ts'
import { LateAnswer } from './publish.ts'
import { SubscribeRequests } from './subscribe.ts'
import { UnsubscribeRequests } from './unsubscribe.ts'

/**
 * Completes a client that was made with the state of another object: what it waits for and works at. Then it is in the place of that
 * one. Nothing outside of the client is changed before all of it is made.
 */
export const continueClient = (client: Client, handed: ClientRecord): void => {
  const { authentication, awaited, check, filters, late } = handed
  if (authentication !== undefined) client.authentication = new Authentication(client, authentication)
  if (check !== undefined) client.check = CredentialsCheck.from(client, check)
  if (awaited !== undefined) {
    client.awaited = new AwaitedAnswer(client, awaited.promise, purposeOf(client, awaited.purpose), awaited.deadline)
  }
  if (filters !== undefined) {
    const work = filterWork(client, filters)
    client.filters = work
    // In its own turn: nothing of a client happens in the one in which the reset is applied.
    setImmediate(() => work.resume())
  }
  client.takeSeat(handed)
  for (const record of late) new LateAnswer(client, record).begin()
}

const purposeOf = (client: Client, purpose: PurposeRecord): AnswerPurpose<unknown> => {
  if (purpose.type === 'claim') return new Claim(client, purpose.request, purpose.authenticationData)
  if (client.authentication instanceof Authentication) return client.authentication as AnswerPurpose<unknown>
  throw new Error('a client waits for an authentication that was not handed over')
}

const filterWork = (client: Client, { packet, codes, batch }: FiltersRecord) => {
  const continued = { codes, batch }
  if (packet.type === 'unsubscribe') {
    return new FilterWork(client, new UnsubscribeRequests(client, packet.messageId, packet.requests), continued)
  }
  const { messageId, requests, identifier, reasons } = packet
  return new FilterWork(client, new SubscribeRequests(client, messageId, requests, identifier, reasons), continued)
}
