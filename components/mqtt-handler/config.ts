import { z } from 'zod'

/** The longest Session Expiry Interval; it means that the session never ends (section 3.1.2.11.2). */
export const NEVER_EXPIRES = 0xffff_ffff

const connections = {
  connectDeadlineMs: z
    .int()
    .min(100)
    .max(600_000)
    .default(10_000)
    .describe(
      'How long a new connection may take until its CONNECT is accepted, AUTH packets included, and an authentication ' +
        'method to answer one of them later, in milliseconds.',
    ),
  allowUnauthenticated: z
    .boolean()
    .default(false)
    .describe(
      'Where there are authentication methods: whether clients that name none are let in all the same, without a user name.',
    ),
  maximumKeepAliveSeconds: z
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .describe(
      'The longest Keep Alive granted to MQTT 5 clients; one that asks for more, or for none (0), gets this. MQTT 3 cannot ' +
        'tell, so its clients have what they ask for. Unset: no limit.',
    ),
  maximumClientIdentifierLength: z
    .int()
    .min(23)
    .max(16_383)
    .default(1_024)
    .describe('Characters that a Client Identifier may have.'),
  responseInformation: z
    .string()
    .max(4_096)
    // Each one may stand for thousands of bytes in CONNACK.
    .refine((text) => text.split('%c').length <= 2, 'may hold %c once')
    .optional()
    .describe(
      'Response Information for clients that request it: where their response topics lie. `%c`, once at most, is the ' +
        'Client Identifier.',
    ),
  serverReference: z
    .strictObject({
      server: z
        .string()
        .min(1)
        .max(4_096)
        .describe('Server Reference: `other.example:1883`, several with spaces between.'),
      moved: z.boolean().default(false).describe('Whether the move is permanent (0x9D), or for now (0x9C).'),
    })
    .optional()
    .describe('Sends every client to another server.'),
}

const sessions = {
  maximumSessionExpirySeconds: z
    .int()
    .min(0)
    .max(NEVER_EXPIRES)
    .default(2_592_000)
    .describe(
      'How long a session may outlive its connection, in seconds: the bound of Session Expiry Interval, and what Clean ' +
        'Session 0 of MQTT 3 gets. 4294967295 is for ever.',
    ),
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
  maximumSubscriptions: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(10_000)
    .describe('Subscriptions that one client may hold; those beyond are refused.'),
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
    .describe('Levels that a Topic Filter may have; one with more is refused, since each level costs memory.'),
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
    .describe('Characters that a Topic Filter may have; a longer one is refused.'),
}

const queues = {
  receiveMaximum: z
    .int()
    .min(1)
    .max(65_535)
    .default(1_000)
    .describe('QoS 1 and 2 messages that an MQTT 5 client may send before the first is acknowledged.'),
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
  retainAvailable: z.boolean().default(true).describe('Whether messages can be retained.'),
  maximumRetainedMessages: z.int().min(0).max(100_000_000).default(100_000).describe('Retained messages.'),
  maximumRetainedBytes: z
    .int()
    .min(0)
    .max(1024 ** 4)
    .default(256 * 1024 ** 2)
    .describe('Their bytes.'),
}

const features = {
  topicAliasMaximum: z
    .int()
    .min(0)
    .max(65_535)
    .default(32)
    .describe('Topic Aliases that an MQTT 5 client may use towards the broker.'),
  maximumOutgoingTopicAliases: z
    .int()
    .min(0)
    .max(65_535)
    .default(32)
    .describe("Topic Aliases that the broker uses towards a client, if the client's Topic Alias Maximum is not less."),
  topicAliasAfter: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(3)
    .describe('A topic gets a Topic Alias with this message on it to the same client.'),
  maximumQoS: z
    .union([z.literal(0), z.literal(1), z.literal(2)])
    .default(2)
    .describe('The highest QoS taken from publishers and granted to subscribers.'),
  wildcardSubscriptionAvailable: z.boolean().default(true).describe('Whether Topic Filters may hold wildcards.'),
  sharedSubscriptionAvailable: z.boolean().default(true).describe('Whether there are Shared Subscriptions.'),
  subscriptionIdentifiersAvailable: z.boolean().default(true).describe('Whether there are Subscription Identifiers.'),
  explainRefusals: z
    .boolean()
    .default(true)
    .describe(
      'Whether an MQTT 5 client is told why something is refused: by Reason Strings, and by 0x87 where it is not authorized ' +
        'to publish or to subscribe; otherwise that is 0x80.',
    ),
  checkPayloadFormat: z
    .boolean()
    .default(false)
    .describe('Whether a payload that is said to be UTF-8 (Payload Format Indicator 1) must be.'),
}

export const handlerConfig = z.strictObject({ ...connections, ...sessions, ...queues, ...retained, ...features })

export type HandlerConfig = z.output<typeof handlerConfig>

/** How many messages at QoS 1 and 2 may be in flight to a client. */
export interface InflightLimits {
  /** At the beginning of its connection. */
  readonly first: number
  readonly most: number
  /** Of those at QoS 2. */
  readonly mostAtQoS2: number
}

/** The limits for clients of this version, apart from their Receive Maximum. */
export const inflightLimits = (config: HandlerConfig, isVersion5: boolean): InflightLimits => {
  const { maximumInflight: most, initialInflight, maximumInflightMqtt3 } = config
  const first = Math.min(most, initialInflight)
  if (isVersion5) return { first, most, mostAtQoS2: most }
  return { first: Math.min(first, maximumInflightMqtt3), most, mostAtQoS2: Math.min(most, maximumInflightMqtt3) }
}
