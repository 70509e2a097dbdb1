import { kind } from '../system/kind.ts'

/** Publishes the numbers of the broker on topics of the broker. */
export interface SysTopics {
  /** Publishes now what has changed since the last time. @returns how many messages. */
  publishNow(): number
}

/** Unique: two would publish to the same topics. */
export const SysTopics = kind<SysTopics>()('SysTopics', { unique: true })
