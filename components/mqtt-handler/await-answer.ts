import type { Client } from './client.ts'
import { Phase } from './phase.ts'
import type { Pause } from './reading.ts'

/** What follows when something has answered that a client waits for. */
export interface AnswerListener<T> {
  take(answer: T): void
  /** It has rejected, or has not answered in time. */
  failed(error: unknown): void
}

/**
 * Waits for something that may take its time. Nothing is read from the client meanwhile, and it is a failure if there is no
 * answer within `connectDeadlineMs`. Without effect once the connection has ended.
 * @param reason why the client is not read.
 */
export const awaitAnswer = <T>(
  client: Client,
  reason: Pause,
  answer: Promise<T>,
  listener: AnswerListener<T>,
): void => {
  client.reading.pause(reason)
  // A connection that is not read does not even notice its end.
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
    // Never throws: it is in a turn of its own, where an error would end the process.
    .catch(failed)
    .finally(() => {
      clearTimeout(deadline)
      client.reading.resume(reason)
    })
}
