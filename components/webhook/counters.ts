/** Events since the start, for operators. The component does not use these numbers for decisions. */
export interface WebhookCounters {
  /** Events that were taken into the queue. */
  queued: number
  /** Events in requests that the service answered with success. */
  sent: number
  /** Requests, with those that failed. */
  requests: number
  /** Requests that were sent again later. */
  retries: number
  /** Events that found the queue full. */
  droppedFull: number
  /** Events of batches that were refused, or failed too often. */
  droppedFailed: number
  /** Events that had not been sent when the component stopped. */
  droppedAtStop: number
  /** Events whose payload was left out, since it is too large. */
  withoutPayload: number
}

export const newWebhookCounters = (): WebhookCounters => ({
  queued: 0,
  sent: 0,
  requests: 0,
  retries: 0,
  droppedFull: 0,
  droppedFailed: 0,
  droppedAtStop: 0,
  withoutPayload: 0,
})
