import { z } from 'zod'

export const sysTopicsConfig = z.strictObject({
  intervalSeconds: z
    .number()
    .min(0.1)
    .max(3_600)
    .default(10)
    .describe('How often the topics are published, in seconds. Only values that have changed are sent.'),
  qos: z
    .union([z.literal(0), z.literal(1), z.literal(2)])
    .default(0)
    .describe(
      'The QoS of the messages. Above 0 they also wait in the queues of subscribers that are away. mosquitto uses 2.',
    ),
  version21: z
    .boolean()
    .default(true)
    .describe('Whether the topics that mosquitto has since version 2.1 are published as well.'),
  clientEvents: z
    .boolean()
    .default(false)
    .describe(
      'Whether each client that connects or disconnects is published as JSON on `$SYS/brokers/NODE/clients/ID/connected` and ' +
        '`.../disconnected`, as EMQX does. Subscribers learn Client Identifiers, user names and addresses of all clients.',
    ),
  node: z
    .string()
    .regex(/^[^/+#\0]{1,128}$/, 'must be one level of a topic without wildcards, at most 128 characters')
    .default('mqtt-jig@127.0.0.1')
    .describe('NODE in the topics of client events.'),
  maximumWaitingEvents: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(10_000)
    .describe('Client events that wait to be published. Beyond it further ones are dropped and counted.'),
})

export type SysTopicsConfig = ReturnType<typeof sysTopicsConfig.parse>
