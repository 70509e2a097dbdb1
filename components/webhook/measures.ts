import { counter, gauge, type Measure } from '../../src/system/define-system.ts'
import type { HttpWebhook } from './http-webhook.ts'

/** What operators read of a webhook. */
export const measuresOf = (webhook: HttpWebhook): readonly Measure[] => {
  const { counters } = webhook
  const dropped = (reason: string, read: () => number) =>
    counter('dropped', 'events', 'Events that were not sent.', read, { reason })
  return [
    gauge('queued', 'events', 'Events that wait, with those under way.', () => webhook.queued),
    gauge('queue_size', 'bytes', 'Their bytes.', () => webhook.queuedBytes),
    gauge('requesting', 'requests', 'Requests under way.', () => webhook.requesting),
    gauge('failing', 'services', '1 while the last request failed.', () => (webhook.failing ? 1 : 0)),
    counter('taken', 'events', 'Events that were queued.', () => counters.queued),
    counter('sent', 'events', 'Events that the service has accepted.', () => counters.sent),
    counter('request', 'requests', 'Requests to the service.', () => counters.requests),
    counter('retry', 'requests', 'Requests that were sent again.', () => counters.retries),
    counter('without_payload', 'events', 'Events whose payload was too large.', () => counters.withoutPayload),
    dropped('full', () => counters.droppedFull),
    dropped('failed', () => counters.droppedFailed),
    dropped('stopped', () => counters.droppedAtStop),
  ]
}
