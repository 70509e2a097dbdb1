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
  qos: z
    .array(z.literal([0, 1, 2]))
    .optional()
    .describe('The QoS of messages that are published and of subscriptions that the rule is about; all unless given.'),
  retain: z
    .boolean()
    .optional()
    .describe('The RETAIN flag of published messages that the rule is about; both unless given.'),
})

export type TopicRule = z.output<typeof topicRule>
