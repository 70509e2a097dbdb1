import { z } from 'zod'
import { MAXIMUM_PACKET_SIZE } from '../../src/mqtt/fixed-header.ts'
import { NEVER_EXPIRES } from '../../src/mqtt/session-expiry-interval.ts'

const otherServer = z.strictObject({
  server: z.string().min(1).max(4_096).describe('Server Reference: `other.example:1883`, several with spaces between.'),
  moved: z.boolean().default(false).describe('Whether the move is permanent (0x9D), or for now (0x9C).'),
})

const connections = {
  connectDeadlineMs: z
    .int()
    .min(100)
    .max(600_000)
    .default(10_000)
    .describe(
      'How long a new connection may take until its CONNECT is accepted, AUTH packets included, in milliseconds. Also how ' +
        'long authenticators may take for a client, and an authentication method for one of its packets.',
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
  allowEmptyClientIdentifier: z
    .boolean()
    .default(true)
    .describe('Whether a client may leave its Client Identifier empty. It is assigned one then.'),
  assignedClientIdentifierPrefix: z
    .string()
    .max(200)
    // Rules name levels of topics by the Client Identifier.
    .regex(/^[^\0+#/]*$/, 'must hold no NUL, +, # or /')
    .default('mqtt-jig-')
    .describe('What the Client Identifiers that the broker assigns begin with. A UUID follows.'),
  clientIdentifierPrefix: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('What every Client Identifier must begin with. Other clients are refused. Unset: any.'),
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
  serverReference: otherServer.optional().describe('Sends every client to another server.'),
  shutdownReference: otherServer
    .optional()
    .describe(
      'The server that connected MQTT 5 clients are told to use when this one stops. Unset: they are told that it stops.',
    ),
  maximumSessionExpirySeconds: z
    .int()
    .min(0)
    .max(NEVER_EXPIRES)
    .default(2_592_000)
    .describe(
      'How long a session may outlive its connection, in seconds: the bound of Session Expiry Interval, and what Clean ' +
        'Session 0 of MQTT 3 gets. 4294967295 is for ever.',
    ),
}

const rate = () => z.number().positive().max(1_000_000_000).optional()

/** What one client or one user may have and do. */
const limits = {
  maximumConnecting: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(10_000)
    .describe(
      'Clients that have sent CONNECT and wait for an authenticator or for their session. Further ones are refused with Server busy ' +
        '(0x89).',
    ),
  maximumConnectionsPerUser: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe(
      'Connections of one user at the same time, if the user was proved by an authenticator. Further ones are refused with Quota ' +
        'exceeded (0x97). Unset: no limit.',
    ),
  maximumPublishRate: rate().describe(
    'Messages that one client may publish in a second. A client that publishes faster is read more slowly; nothing is dropped. It must ' +
      'suffice for the Keep Alive of the client, since PINGREQ is not read meanwhile either. Unset: no limit.',
  ),
  maximumPublishBytesPerSecond: rate().describe(
    'The same in bytes of topics, properties and payloads. Unset: no limit.',
  ),
  maximumPublishRatePerUser: rate().describe(
    'Messages that all clients of one user together may publish in a second, if the user was proved. Unset: no limit.',
  ),
  maximumPublishBytesPerSecondPerUser: rate().describe('The same in bytes. Unset: no limit.'),
}

/** What CONNACK says that the broker can do. */
const terms = {
  receiveMaximum: z
    .int()
    .min(1)
    .max(65_535)
    .default(1_000)
    .describe('QoS 1 and 2 messages that an MQTT 5 client may send before the first is acknowledged.'),
  maximumQoS: z
    .union([z.literal(0), z.literal(1), z.literal(2)])
    .default(2)
    .describe('The highest QoS taken from publishers and granted to subscribers.'),
  retainAvailable: z.boolean().default(true).describe('Whether messages can be retained.'),
  topicAliasMaximum: z
    .int()
    .min(0)
    .max(65_535)
    .default(32)
    .describe('Topic Aliases that an MQTT 5 client may use towards the broker.'),
  wildcardSubscriptionAvailable: z.boolean().default(true).describe('Whether Topic Filters may hold wildcards.'),
  sharedSubscriptionAvailable: z.boolean().default(true).describe('Whether there are Shared Subscriptions.'),
  subscriptionIdentifiersAvailable: z.boolean().default(true).describe('Whether there are Subscription Identifiers.'),
}

const packets = {
  maximumPayloadBytes: z
    .int()
    .min(1)
    .max(MAXIMUM_PACKET_SIZE)
    .default(MAXIMUM_PACKET_SIZE)
    .describe(
      'The largest payload that a client may publish, in bytes. A larger one is refused with Quota exceeded (0x97), and the client stays ' +
        'connected; MQTT 3 has no answer for that, so its message is acknowledged and dropped. A client with a larger Will is refused.',
    ),
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

export const handlerConfig = z.strictObject({ ...connections, ...limits, ...terms, ...packets })

export type HandlerConfig = z.output<typeof handlerConfig>
