import { setImmediate as nextTurn } from 'node:timers/promises'
import { type HandlerHarness, type HarnessClient, persistent, subscribePacket } from './handler-harness.ts'

/** Subscribers at QoS 1 that make a message more work than one turn allows. */
export const CROWD = 4_000

/** Makes sessions whose clients are away. */
export const crowdAway = (broker: HandlerHarness, count = CROWD, filter = 'a', prefix = 'away'): void => {
  for (let index = 0; index < count; index += 1) {
    const client = broker.connect(persistent(`${prefix}-${index}`))
    client.take(subscribePacket({ [filter]: { qos: 2 } }))
    client.lose()
  }
}

/** How many of them have so many messages waiting. */
export const crowdWaiting = (broker: HandlerHarness, messages: number, prefix = 'away'): number =>
  [...broker.core.sessions].filter(({ id, outbox }) => id.startsWith(prefix) && outbox.waiting === messages).length

/** Waits until the client is read again. @returns the turns that it took. */
export const untilRead = async ({ connection }: HarnessClient): Promise<number> => {
  let turns = 0
  for (; connection.paused; turns += 1) {
    if (turns > 1_000) throw new Error('the client stays paused')
    await nextTurn()
  }
  return turns
}
