import type { AwaitedRecord, PurposeRecord } from './client-record.ts'
import { Pause, type Reading } from './reading.ts'

/** The client that waits. */
export interface AwaitingClient {
  readonly reading: Reading
  readonly handler: { readonly config: { readonly connectDeadlineMs: number } }
  /** Who the client is now: a reset may put another object in its place, which the promise and the timer then find here. */
  readonly seat: { readonly client: AwaitingClient }
  /** The answer that it waits for now. */
  awaited: AwaitedAnswer | undefined
}

/** The purpose of an answer: what it leads to. All that this needs is in fields of the object, not in a closure. */
export interface AnswerPurpose<T> {
  /** Takes the answer. It may begin to wait for another one. If it throws, `failed` gets the error. */
  take(answer: T): void
  /** The promise was rejected, or there was no answer in time. Must not throw. */
  failed(error: unknown): void
  /** The purpose in plain data. */
  toRecord(): PurposeRecord
}

/**
 * Waits for an answer. The client is not read meanwhile. No answer within `connectDeadlineMs` is a failure. After the end of
 * the connection an answer has no effect. A client waits for one answer at a time.
 */
export const awaitAnswer = <T>(client: AwaitingClient, promise: Promise<T>, purpose: AnswerPurpose<T>): void => {
  const { seat } = client
  const { connectDeadlineMs } = client.handler.config
  // A connection that is not read does not notice its end.
  const deadline = setTimeout(() => seat.client.awaited?.expire(promise), connectDeadlineMs).unref()
  client.awaited = new AwaitedAnswer(client, promise, purpose, deadline)
  client.reading.pause(Pause.Answer)
  promise.then(
    (answer) => seat.client.awaited?.take(promise, answer),
    (error: unknown) => seat.client.awaited?.fail(promise, error),
  )
}

/**
 * An answer that a client waits for. The client holds it until the answer is there or the connection ends. The promise and the
 * timer ask the client for it: an answer that comes later finds another one there, or none. A reset makes another one for the same
 * promise and the same timer.
 */
export class AwaitedAnswer {
  readonly #client: AwaitingClient
  readonly #promise: Promise<unknown>
  readonly #purpose: AnswerPurpose<unknown>
  readonly #deadline: NodeJS.Timeout

  constructor(
    client: AwaitingClient,
    promise: Promise<unknown>,
    purpose: AnswerPurpose<unknown>,
    deadline: NodeJS.Timeout,
  ) {
    this.#client = client
    this.#promise = promise
    this.#purpose = purpose
    this.#deadline = deadline
  }

  handOver(): AwaitedRecord {
    return { promise: this.#promise, deadline: this.#deadline, purpose: this.#purpose.toRecord() }
  }

  /** The promise has resolved. No effect if it is the promise of another answer. */
  take(promise: Promise<unknown>, answer: unknown): void {
    if (promise !== this.#promise) return
    this.drop()
    try {
      this.#purpose.take(answer)
    } catch (error) {
      this.#purpose.failed(error)
    }
    this.#readOn()
  }

  /** The promise was rejected. No effect if it is the promise of another answer. */
  fail(promise: Promise<unknown>, error: unknown): void {
    if (promise !== this.#promise) return
    this.drop()
    this.#purpose.failed(error)
    this.#readOn()
  }

  /** The deadline is over. No effect if it is the deadline of another answer. */
  expire(promise: Promise<unknown>): void {
    const { connectDeadlineMs } = this.#client.handler.config
    this.fail(promise, new Error(`no answer within connectDeadlineMs, ${connectDeadlineMs} ms`))
  }

  /** The client waits no longer: the answer has no effect any more. */
  drop(): void {
    clearTimeout(this.#deadline)
    this.#client.awaited = undefined
  }

  /** The purpose may have begun to wait for another answer. */
  #readOn(): void {
    if (this.#client.awaited === undefined) this.#client.reading.resume(Pause.Answer)
  }
}
