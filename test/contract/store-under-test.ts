import type { QueuedMessage, Store, StoreRecord } from '../../src/kinds/store.ts'
import { queuedMessage, sessionRecord } from '../helpers/store-records.ts'

/** How the suite gets at a kind of store. */
export interface StoreUnderTest<S extends Store> {
  /** A new store with nothing in it. */
  create(): S | Promise<S>
  /**
   * Ends the store and opens another over what was durable, as when the process ends and another begins. Left out by a
   * store that keeps nothing; what can only be seen in this way is not tested then.
   */
  reopen?(store: S): S | Promise<S>
  /** Releases what `create` and `reopen` acquired. */
  dispose?(store: S): void | Promise<void>
  /**
   * Makes a store that cannot keep pace, or cannot write, until the function that it returns is called, which ends that. Left
   * out by a store whose `pressure` is always 'none'.
   */
  press?(store: S): (() => void | Promise<void>) | Promise<() => void | Promise<void>>
  /**
   * Makes a store whose messages cannot be read, if they are durable, until the function that it returns is called. Left out by a store
   * that can always be read. A store that keeps messages in memory for a while after they are durable writes them first.
   */
  obstruct?(store: S): (() => void | Promise<void>) | Promise<() => void | Promise<void>>
  /** Runs of the property test; a store with a disk behind it may want fewer than 200. */
  readonly runs?: number
}

/** Short names for frequent actions of the suites on a store. @param current the store at this moment. */
export const driving = (current: () => Store) => {
  const append = (...records: StoreRecord[]) => {
    for (const record of records) current().append(record)
  }
  return {
    append,
    /** Begins sessions. */
    begin: (...sessions: string[]) =>
      append(...sessions.map((id) => ({ type: 'session', session: sessionRecord({ id }) }) as const)),
    /** Queues messages with these sequence numbers. */
    queue: (session: string, ...sequences: number[]) =>
      append(
        ...sequences.map((sequence) => ({ type: 'queued', session, queued: queuedMessage({ sequence }) }) as const),
      ),
    sequences: (session: string, after = 0, limit = 100): number[] =>
      current()
        .read(session, after, limit)
        .map(({ sequence }) => sequence),
    at: (session: string, sequence: number): QueuedMessage => current().read(session, sequence - 1, 1)[0]!,
  }
}

/**
 * Resolves once everything appended so far is durable. Takes the place of the store's listener.
 * @param listener is called like it meanwhile.
 */
export const durable = async (store: Store, listener: () => void = () => undefined): Promise<void> => {
  // With nothing in it, a batch need never become durable.
  store.append({ type: 'session-ended', session: 'nobody' })
  const { batch } = store
  if (store.durableBatch >= batch) return
  await new Promise<void>((resolve) => {
    store.onDurable(() => {
      listener()
      if (store.durableBatch >= batch) resolve()
    })
  })
}
