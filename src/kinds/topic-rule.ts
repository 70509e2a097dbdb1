import { z } from 'zod'

/** One rule of access to topics, of one identity or of a list for all. */
export const topicRule = z.strictObject({
  action: z.enum(['publish', 'subscribe', 'receive', 'all']).describe('What the rule is about.'),
  filter: z
    .string()
    .min(1)
    .describe(
      'A Topic Filter. `%c` stands for the Client Identifier, `%u` for the user name, `%{name}` for a value of the identity.',
    ),
  allow: z.boolean().describe('Whether what the rule matches is allowed.'),
})

export type TopicRule = z.output<typeof topicRule>
