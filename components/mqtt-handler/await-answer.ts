import type { Client } from './client.ts'
import { Phase } from './phase.ts'
import type { Pause } from './reading.ts'

/** The effects of an answer that a client waits for. */
export interface AnswerListener<T> {
  take(answer: T): void
  /** The promise rejected, or there was no answer in time. */
  failed(error: unknown): void
}

/**
 * Waits for an answer. The client is not read meanwhile. No answer within `connectDeadlineMs` is a failure. After the end of
 * the connection an answer has no effect.
 * @param reason why the client is not read.
 */
export const awaitAnswer = <T>(
  client: Client,
  reason: Pause,
  answer: Promise<T>,
  listener: AnswerListener<T>,
): void => {
  client.reading.pause(reason)
  // A connection that is not read does not notice its end.
  const { connectDeadlineMs } = client.handler.config
  const failed = (error: unknown) => {
    if (client.phase !== Phase.Ended) listener.failed(error)
  }
  const late = () => failed(new Error(`no answer within connectDeadlineMs, ${connectDeadlineMs} ms`))
  const deadline = setTimeout(late, connectDeadlineMs).unref()
  answer
    .then((value) => {
      if (client.phase !== Phase.Ended) listener.take(value)
    })
    // Never throws: it runs in its own turn, where an error would end the process.
    .catch(failed)
    .finally(() => {
      clearTimeout(deadline)
      client.reading.resume(reason)
    })
}
