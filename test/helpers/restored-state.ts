import type { Store, StoredSession } from '../../src/kinds/store.ts'
import type { Message } from '../../src/mqtt/message.ts'

/** All that a store restores, read to the end. */
export const restoredState = async (
  store: Pick<Store, 'restore'>,
): Promise<{ readonly sessions: readonly StoredSession[]; readonly retained: readonly Message[] }> => {
  const state = store.restore()
  const sessions = await allOf(state.sessions)
  return { sessions, retained: await allOf(state.retained) }
}

const allOf = async <Entry>(pages: AsyncIterable<readonly Entry[]>): Promise<Entry[]> => {
  const all: Entry[] = []
  for await (const page of pages) all.push(...page)
  return all
}
