import type { QoS } from 'mqtt-packet'
import { checkTopicFilter, isSharedFilter } from '../mqtt/topic-filter.ts'
import { placeholdersIn } from './placeholders.ts'

/** What a client may ask to do. Rules say `all` for each of the three. */
export type Action = 'publish' | 'subscribe' | 'receive'

/** A rule of access to topics. A condition that is left out matches every client and message. */
export interface AccessRule {
  readonly action: Action | 'all'
  /** A Topic Filter, not `$share/...`, with placeholders unless `isLiteral`. */
  readonly filter: string
  readonly allow: boolean
  /** A `%` in the filter is text. */
  readonly isLiteral?: boolean | undefined

  // Conditions on the client.
  readonly user?: string | undefined
  readonly group?: string | undefined
  readonly client?: string | undefined
  readonly anonymous?: boolean | undefined
  /** Neither the Client Identifier nor the user name has a wildcard character. */
  readonly plainNames?: boolean | undefined

  // Conditions on what it asks for.
  /** Of a message that is published, and of a subscription. */
  readonly qos?: readonly QoS[] | undefined
  /** Of a message that is published. */
  readonly retain?: boolean | undefined
}

/** Levels that the filter of a rule may have: the search for rules is as deep. */
const MAXIMUM_LEVELS = 1_000

/** What is wrong with the filter of a rule, or undefined. */
export const problemOfFilter = (filter: string, isLiteral = false): string | undefined => {
  const bytes = Buffer.from(filter)
  // A rule on `$share/group/a` would never match: what is asked for is the filter behind the ShareName.
  if (isSharedFilter(bytes)) return 'a rule is about topics: leave $share/{ShareName}/ out'
  const error = checkTopicFilter(bytes)
  if (error !== undefined) return error.message
  const levels = filter.split('/', MAXIMUM_LEVELS + 1)
  if (levels.length > MAXIMUM_LEVELS) return `a filter may have ${MAXIMUM_LEVELS} levels`
  if (isLiteral) return undefined
  const unnamed = levels.find((level) => level.replaceAll(/%\{[^{}]+\}/g, '').includes('%{'))
  if (unnamed !== undefined) return `a value has the form %{name}: '${unnamed}'`
  const crowded = levels.find((level) => placeholdersIn(level) > 1)
  // `%u-%c` would be the same for user `a` with client `b-c` and for user `a-b` with client `c`.
  return crowded === undefined ? undefined : `a level may hold one placeholder: '${crowded}' has several`
}
