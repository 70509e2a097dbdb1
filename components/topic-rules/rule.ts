import { z } from 'zod'
import { problemOfFilter } from '../../src/access/access-rule.ts'

/** Rules a list may have. */
const maximumRules = 1_000

const ruleSchema = z
  .strictObject({
    action: z.enum(['publish', 'subscribe', 'receive', 'all']).describe('What the rule is about.'),
    filter: z
      .string()
      .superRefine((filter, context) => {
        const problem = problemOfFilter(filter)
        if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
      })
      .describe(
        'A Topic Filter; `%c` stands for the Client Identifier, `%u` for the user name, `%{name}` for a value of the identity.',
      ),
    allow: z.boolean().describe('Whether what the rule matches is allowed.'),
    user: z.string().min(1).optional().describe('The rule is for clients of this user alone.'),
    group: z.string().min(1).optional().describe('The rule is for clients whose user is in this group alone.'),
    anonymous: z
      .boolean()
      .optional()
      .describe('`true`: the rule is for clients without a user name alone. `false`: for clients with any user name.'),
    client: z.string().min(1).optional().describe('The rule is for the client of this Client Identifier alone.'),
    qos: z
      .array(z.literal([0, 1, 2]))
      .min(1)
      .optional()
      .describe('The rule is for messages that are published at one of these QoS alone, and for subscriptions at one.'),
    retain: z.boolean().optional().describe('The rule is for messages that are published with this RETAIN flag alone.'),
  })
  .superRefine(({ action, user, anonymous, filter, qos, retain }, context) => {
    const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', message, path: [path] })
    if (anonymous === true && (user !== undefined || filter.includes('%u'))) {
      const message =
        'a client without a user name has none: leave `user` and `%u` out of a rule with `anonymous: true`'
      refuse('anonymous', message)
    }
    if (qos !== undefined && action === 'receive') refuse('qos', 'a rule on receiving has no QoS')
    if (retain !== undefined && action !== 'publish') refuse('retain', 'only a rule on publishing has a RETAIN flag')
  })

export type Rule = z.output<typeof ruleSchema>

export const topicRulesConfig = z.strictObject({
  rules: z.array(ruleSchema).max(maximumRules).describe('In their order: the first that matches decides.'),
  default: z
    .enum(['allow', 'deny', 'pass'])
    .default('deny')
    .describe('What happens to what no rule matches. `pass`: the next authorizer decides.'),
})

export type TopicRulesConfig = z.output<typeof topicRulesConfig>
