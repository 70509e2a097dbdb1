import { z } from 'zod'
import { checkTopicFilter, isSharedFilter } from '../../src/mqtt/topic-filter.ts'
import { placeholdersIn } from './placeholders.ts'

/** What a client may ask to do. Rules say `all` for each of the three. */
export type Action = 'publish' | 'subscribe' | 'receive'

/** Rules a list may have. Each is read for every new topic of a client, and for `receive` for every subscriber. */
const maximumRules = 1_000

const ruleSchema = z
  .strictObject({
    action: z.enum(['publish', 'subscribe', 'receive', 'all']).describe('What the rule is about.'),
    filter: z
      .string()
      .superRefine((filter, context) => {
        const problem = problemOf(filter)
        if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
      })
      .describe('A Topic Filter; `%c` stands for the Client Identifier and `%u` for the user name.'),
    allow: z.boolean().describe('Whether what the rule matches is allowed.'),
    user: z.string().min(1).optional().describe('The rule is for clients of this user alone.'),
    anonymous: z
      .boolean()
      .optional()
      .describe('`true`: the rule is for clients without a user name alone. `false`: for clients with any user name.'),
    client: z.string().min(1).optional().describe('The rule is for the client of this Client Identifier alone.'),
  })
  .superRefine(({ user, anonymous, filter }, context) => {
    if (anonymous !== true || (user === undefined && !filter.includes('%u'))) return
    const message = 'a client without a user name has none: leave `user` and `%u` out of a rule with `anonymous: true`'
    context.addIssue({ code: 'custom', message, path: ['anonymous'] })
  })

export type Rule = z.output<typeof ruleSchema>

export const topicRulesConfig = z.strictObject({
  rules: z.array(ruleSchema).max(maximumRules).describe('In their order: the first that matches decides.'),
  default: z.enum(['allow', 'deny']).describe('What happens to what no rule matches.'),
})

export type TopicRulesConfig = z.output<typeof topicRulesConfig>

/** What is wrong with the filter of a rule, or undefined. */
const problemOf = (filter: string): string | undefined => {
  const bytes = Buffer.from(filter)
  // A rule on `$share/group/a` would never match: what is asked for is the filter behind the ShareName.
  if (isSharedFilter(bytes)) return 'a rule is about topics: leave $share/{ShareName}/ out'
  const error = checkTopicFilter(bytes)
  if (error !== undefined) return error.message
  const crowded = filter.split('/').find((level) => placeholdersIn(level) > 1)
  // `%u-%c` would be the same for user `a` with client `b-c` and for user `a-b` with client `c`.
  return crowded === undefined ? undefined : `a level may hold one placeholder: '${crowded}' has several`
}
