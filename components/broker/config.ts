import { z } from 'zod'
import { NEVER_EXPIRES } from '../../src/mqtt/session-expiry-interval.ts'

const sessions = {
  maximumSessions: z
    .int()
    .min(1)
    .max(100_000_000)
    .default(100_000)
    .describe(
      'Sessions, of clients connected or away. For one more, the session that is away longest of those that hold nothing (no ' +
        'subscription, message, Packet Identifier or Will) ends; if there is none, the client is refused.',
    ),
  maximumAwaySessions: z
    .int()
    .min(1)
    .max(100_000_000)
    .optional()
    .describe(
      'Sessions that wait for their clients. When there are so many, a client that needs a new session that outlives its ' +
        'connection is refused. Unset: nine tenths of `maximumSessions`, so that there is room for connected clients.',
    ),
}

const perUser = {
  maximumSessionsPerUser: z
    .int()
    .min(1)
    .max(100_000_000)
    .optional()
    .describe(
      'Sessions of one user that an authenticator has proved, of clients connected or away. For one more, the session of this user that ' +
        'is away longest and holds nothing ends; if there is none, the client is refused. Unset: half of `maximumSessions`. Clients ' +
        'without a proved user may have half of each total together, while there are users.',
    ),
  maximumSubscriptionBytesPerUser: z
    .int()
    .min(0)
    .max(1024 ** 5)
    .optional()
    .describe(
      'Bytes that the subscriptions of one user cost together. Unset: half of `maximumTotalSubscriptionBytes`.',
    ),
  maximumQueuedBytesPerUser: z
    .int()
    .min(0)
    .max(1024 ** 5)
    .optional()
    .describe(
      'Bytes of the messages that wait for the sessions of one user, or are in flight and kept, and of their Wills. Unset: half of ' +
        '`maximumTotalQueuedBytes`.',
    ),
  maximumRetainedMessagesPerUser: z
    .int()
    .min(0)
    .max(100_000_000)
    .optional()
    .describe('Retained messages that one user has published. Unset: half of `maximumRetainedMessages`.'),
  maximumRetainedBytesPerUser: z
    .int()
    .min(0)
    .max(1024 ** 4)
    .optional()
    .describe('Their bytes. Unset: half of `maximumRetainedBytes`.'),
}

const subscriptions = {
  maximumSubscriptions: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(10_000)
    .describe('Subscriptions of one client. Further ones are refused.'),
  maximumTotalSubscriptionBytes: z
    .int()
    .min(0)
    .max(1024 ** 5)
    .default(1024 ** 3)
    .describe(
      'Bytes that the subscriptions of all sessions cost together: about 350 for each, beside two for each character of its ' +
        'Topic Filter; those beyond are refused.',
    ),
  maximumTopicLevels: z
    .int()
    .min(1)
    .max(65_536)
    .default(128)
    .describe('Levels of a Topic Filter. A filter with more is refused, since each level needs memory.'),
  maximumWildcardLevels: z
    .int()
    .min(1)
    .max(100_000_000)
    .default(100_000)
    .describe(
      'Levels that all Topic Filters with wildcards of one client may have together; a filter beyond is refused, since a ' +
        'topic may have to be compared with each of them.',
    ),
  maximumFilterLength: z
    .int()
    .min(1)
    // V8 hashes longer strings by their length alone: look-ups among many of the same length would compare them all.
    .max(16_383)
    .default(4_096)
    .describe('Characters of a Topic Filter. A longer one is refused.'),
}

const inflight = {
  maximumInflight: z
    .int()
    .min(1)
    .max(65_535)
    .default(1_000)
    .describe(
      'QoS 1 and 2 messages sent to a client before it acknowledges the first, if its Receive Maximum is not less, once the ' +
        'client has shown that it acknowledges so many in half a second.',
    ),
  initialInflight: z
    .int()
    .min(1)
    .max(65_535)
    .default(100)
    .describe(
      'What each connection begins with, if `maximumInflight` is not less: the number doubles while the client acknowledges ' +
        'promptly, and is halved down to this when it does not.',
    ),
  maximumInflightMqtt3: z
    .int()
    .min(1)
    .max(65_535)
    .default(20)
    .describe(
      'What clients of MQTT 3 begin with, if `initialInflight` is not less, and the most for them at QoS 2. They cannot state a ' +
        'Receive Maximum, and have to remember what they were sent at QoS 2: some remember 20 and silently drop the rest, such ' +
        'as mosquitto as a bridge of MQTT 3.1.1.',
    ),
}

const delivery = {
  maximumInflightBytes: z
    .int()
    .min(1)
    .max(1024 ** 4)
    .optional()
    .describe(
      'Bytes of QoS 1 and 2 messages that a client was sent and has not acknowledged. While there are as many, further messages wait; ' +
        'the message that reaches the limit may exceed it. Unset: no limit but that of their number.',
    ),
  upgradeOutgoingQoS: z
    .boolean()
    .default(false)
    .describe(
      'Whether messages are delivered at the QoS that was granted to the subscription, even if they were published at a lower one. MQTT ' +
        'does not allow that [MQTT-3.8.4-8]: it is for clients that rely on this option of mosquitto.',
    ),
}

const unreleased = {
  maximumUnreleased: z
    .int()
    .min(1)
    .max(65_535)
    .default(65_535)
    .describe(
      'QoS 2 messages of one session that may be unreleased (without PUBREL), over all its connections. An MQTT 5 client is ' +
        'told of those beyond (PUBREC 0x97), one of MQTT 3 is disconnected. The default is all Packet Identifiers, since ' +
        'MQTT 3 clients may send them all before they read the first PUBREC.',
    ),
  maximumTotalUnreleasedBytes: z
    .int()
    .min(0)
    .max(1024 ** 5)
    .default(256 * 1024 ** 2)
    .describe(
      'Bytes that the Packet Identifiers of unreleased messages cost together: 400 for each 512 of a session, and 50 for each ' +
        'message where `duplicateQoS2` is `by-content`. Beyond it, messages of sessions with more than 2,048 bytes are refused ' +
        'as with `maximumUnreleased`.',
    ),
  duplicateQoS2: z
    .enum(['by-identifier', 'by-content'])
    .default('by-identifier')
    .describe(
      'How a QoS 2 message without DUP is handled when its Packet Identifier is unreleased. `by-identifier`: it is the same ' +
        'message, and is answered and not delivered. `by-content`, for clients that lose their state: it is another message, ' +
        'and is delivered, if its Topic Name or payload differs. Hashes of the contents are not kept over a restart or reset; ' +
        'earlier messages are then compared by identifier.',
    ),
}

const queues = {
  maximumQueuedMessages: z
    .int()
    .min(0)
    .max(100_000_000)
    .default(10_000)
    .describe('QoS 1 and 2 messages that wait for one session, those in flight not counted.'),
  maximumQueuedBytes: z
    .int()
    .min(0)
    .max(1024 ** 4)
    .default(64 * 1024 ** 2)
    .describe('Their bytes.'),
  maximumQueuedSeconds: z
    .int()
    .min(1)
    .max(NEVER_EXPIRES)
    .default(NEVER_EXPIRES)
    .describe('How long a message waits for one session before it is dropped, whatever its Message Expiry Interval.'),
  maximumTotalQueuedBytes: z
    .int()
    .min(0)
    .max(1024 ** 5)
    .default(1024 ** 3)
    .describe(
      'Bytes that the messages which wait for all sessions, or are in flight and kept to be sent again, cost together, Wills ' +
        'included: 450 for each beside its own, and 350 in all between PUBREC and PUBCOMP. A client whose Will does not fit ' +
        'among the other Wills is refused.',
    ),
  queueFullPolicy: z
    .enum(['drop-oldest', 'drop-newest', 'refuse'])
    .default('drop-newest')
    .describe(
      'What happens to a message for a session whose queue is full: the oldest one in the queue gives way, it is dropped, or ' +
        'it is dropped and an MQTT 5 publisher is told (Quota exceeded). Counted and logged.',
    ),
}

const retained = {
  maximumRetainedMessages: z.int().min(0).max(100_000_000).default(100_000).describe('Retained messages.'),
  maximumRetainedBytes: z
    .int()
    .min(0)
    .max(1024 ** 4)
    .default(256 * 1024 ** 2)
    .describe('Their bytes, and those of their publishers (about 1 KiB for each that differs).'),
  checkRetainedSource: z
    .boolean()
    .default(true)
    .describe(
      'Whether the right of its publisher is asked about again when a retained message is delivered, with the rules in force then. If ' +
        'the publisher may not publish to the topic any more, the message is not delivered, and counted. It costs nothing without ' +
        'authorizers and own rules of clients.',
    ),
}

export const brokerConfig = z.strictObject({
  ...sessions,
  ...perUser,
  ...subscriptions,
  ...inflight,
  ...delivery,
  ...unreleased,
  ...queues,
  ...retained,
})

export type BrokerConfig = z.output<typeof brokerConfig>

/** How many messages at QoS 1 and 2 may be in flight to a client. */
export interface InflightLimits {
  /** At the beginning of its connection. */
  readonly first: number
  readonly most: number
  /** Of those at QoS 2. */
  readonly mostAtQoS2: number
  /** Bytes of all of them; Infinity is no limit. */
  readonly mostBytes: number
}

/** The limits for clients of this version, apart from their Receive Maximum. */
export const inflightLimits = (config: BrokerConfig, isVersion5: boolean): InflightLimits => {
  const { maximumInflight: most, initialInflight, maximumInflightMqtt3 } = config
  const first = Math.min(most, initialInflight)
  const mostBytes = config.maximumInflightBytes ?? Number.POSITIVE_INFINITY
  if (isVersion5) return { first, most, mostAtQoS2: most, mostBytes }
  const atMqtt3 = (limit: number): number => Math.min(limit, maximumInflightMqtt3)
  return { first: atMqtt3(first), most, mostAtQoS2: atMqtt3(most), mostBytes }
}
