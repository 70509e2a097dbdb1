/** Arbitrary legal packets, encoded by mqtt-packet. */

import fc, { type Arbitrary } from 'fast-check'
import { generate, type Packet, parser } from 'mqtt-packet'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'

/** Tests use the same cases each time. Other cases: `FUZZ_SEED=7 npm test`. */
export const fuzzSeed = Number(process.env['FUZZ_SEED'] ?? 1)

const text = (minLength = 0): Arbitrary<string> =>
  fc.string({ unit: 'binary', minLength, maxLength: 20 }).map((value) => value.replaceAll('\0', 'x'))
const binary = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes))
const packetIdentifier = fc.integer({ min: 1, max: 0xffff })
const fourBytes = fc.nat(0xffff_ffff)
const qos = fc.constantFrom(0 as const, 1 as const, 2 as const)

/** A Topic Name: any text without wildcards. */
export const topicName = text(1).map((value) => value.replaceAll(/[+#]/g, 'x'))

const level = fc.oneof(
  fc.constant('+'),
  text().map((value) => value.replaceAll(/[+#/]/g, 'x')),
)
/** A Topic Filter: with and without wildcards, plain and shared. */
export const topicFilter = fc
  .tuple(fc.array(level, { minLength: 1, maxLength: 5 }), fc.boolean(), fc.boolean())
  .map(([levels, hash, shared]) => {
    const filter = [...levels, ...(hash ? ['#'] : [])].join('/')
    if (filter.startsWith('$share/') || filter === '') return 'a'
    return shared ? `$share/group/${filter}` : filter
  })

// mqtt-packet's parser forgets an empty value when its name comes again, so none is empty here.
const userProperties = fc.dictionary(text(), fc.oneof(text(1), fc.array(text(1), { minLength: 2, maxLength: 3 })), {
  minKeys: 1,
  maxKeys: 3,
})

/** Any of these properties, or none. */
const properties = (model: Record<string, Arbitrary<unknown>>) =>
  fc.option(fc.record({ ...model, userProperties }, { requiredKeys: [] }), { nil: undefined })

const messageProperties = {
  payloadFormatIndicator: fc.boolean(),
  messageExpiryInterval: fourBytes,
  contentType: text(),
  responseTopic: topicName,
  correlationData: binary,
}
const will = (version: ProtocolVersion) =>
  fc.record({
    topic: topicName,
    payload: binary,
    qos,
    retain: fc.boolean(),
    ...(version === 5 ? { properties: properties({ ...messageProperties, willDelayInterval: fourBytes }) } : {}),
  })

/** A CONNECT packet. */
export const connect = (version: ProtocolVersion): Arbitrary<Packet> =>
  fc
    .record({
      clientId: text(1),
      clean: fc.boolean(),
      keepalive: fc.nat(0xffff),
      will: fc.option(will(version), { nil: undefined }),
      credentials: fc.option(fc.record({ username: text(), password: binary }), { nil: undefined }),
      ...(version === 5
        ? {
            properties: properties({
              sessionExpiryInterval: fourBytes,
              receiveMaximum: packetIdentifier,
              maximumPacketSize: fc.integer({ min: 1, max: 0xffff_ffff }),
              topicAliasMaximum: fc.nat(0xffff),
              requestResponseInformation: fc.boolean(),
              requestProblemInformation: fc.boolean(),
              authenticationMethod: text(),
            }),
          }
        : {}),
    })
    .map(
      ({ credentials, ...fields }) =>
        ({
          cmd: 'connect',
          protocolId: version === 3 ? 'MQIsdp' : 'MQTT',
          protocolVersion: version,
          ...fields,
          ...credentials,
        }) as Packet,
    )

/** A PUBLISH packet from a client. */
export const publish = (version: ProtocolVersion): Arbitrary<Packet> =>
  fc
    .record({
      topic: topicName,
      payload: fc.oneof(
        { weight: 19, arbitrary: binary },
        // Sometimes a packet whose Remaining Length takes two or three bytes.
        { weight: 1, arbitrary: fc.constantFrom(120, 130, 16_400).map((length) => Buffer.alloc(length, 0x30)) },
      ),
      qos,
      retain: fc.boolean(),
      dup: fc.boolean(),
      messageId: packetIdentifier,
      ...(version === 5 ? { properties: properties({ ...messageProperties, topicAlias: packetIdentifier }) } : {}),
    })
    .map((fields) => ({ cmd: 'publish', ...fields, dup: fields.dup && fields.qos > 0 }) as Packet)

const reasonProperties = { reasonString: text() }

/** PUBACK, PUBREC, PUBREL or PUBCOMP. */
export const acknowledgement = (version: ProtocolVersion): Arbitrary<Packet> =>
  fc
    .record({
      cmd: fc.constantFrom('puback', 'pubrec', 'pubrel', 'pubcomp'),
      messageId: packetIdentifier,
      failed: fc.boolean(),
      ...(version === 5 ? { properties: properties(reasonProperties) } : {}),
    })
    .map(({ failed, ...fields }) => {
      const failure = fields.cmd === 'puback' || fields.cmd === 'pubrec' ? 0x97 : 0x92
      return { ...fields, reasonCode: failed ? failure : 0 } as Packet
    })

const subscription = (version: ProtocolVersion) =>
  fc
    .record({
      topic: topicFilter,
      qos,
      ...(version === 5 ? { nl: fc.boolean(), rap: fc.boolean(), rh: fc.nat(2) } : {}),
    })
    .map((fields) => (fields.topic.startsWith('$share/') ? { ...fields, nl: false } : fields))

const subscribe = (version: ProtocolVersion): Arbitrary<Packet> =>
  fc
    .record({
      messageId: packetIdentifier,
      subscriptions: fc.array(subscription(version), { minLength: 1, maxLength: 5 }),
      ...(version === 5
        ? { properties: properties({ subscriptionIdentifier: fc.integer({ min: 1, max: 268_435_455 }) }) }
        : {}),
    })
    .map((fields) => ({ cmd: 'subscribe', ...fields }) as Packet)

const unsubscribe = (version: ProtocolVersion): Arbitrary<Packet> =>
  fc
    .record({
      messageId: packetIdentifier,
      unsubscriptions: fc.array(topicFilter, { minLength: 1, maxLength: 5 }),
      ...(version === 5 ? { properties: properties({}) } : {}),
    })
    .map((fields) => ({ cmd: 'unsubscribe', ...fields }) as Packet)

const disconnect = (version: ProtocolVersion): Arbitrary<Packet> =>
  version === 5
    ? fc
        .record({
          reasonCode: fc.constantFrom(0x00, 0x04, 0x80, 0x97),
          properties: properties({ ...reasonProperties, sessionExpiryInterval: fourBytes }),
        })
        .map((fields) => ({ cmd: 'disconnect', ...fields }) as Packet)
    : fc.constant({ cmd: 'disconnect' })

const auth: Arbitrary<Packet> = fc
  .record({
    reasonCode: fc.constantFrom(0x18, 0x19),
    properties: fc.record(
      { authenticationMethod: text(), authenticationData: binary, reasonString: text(), userProperties },
      { requiredKeys: ['authenticationMethod'] },
    ),
  })
  .map((fields) => ({ cmd: 'auth', ...fields }) as Packet)

/** Any packet that a client may send after CONNECT. */
export const clientPacket = (version: ProtocolVersion): Arbitrary<Packet> =>
  fc.oneof(
    { weight: 3, arbitrary: publish(version) },
    { weight: 2, arbitrary: acknowledgement(version) },
    subscribe(version),
    unsubscribe(version),
    disconnect(version),
    fc.constant<Packet>({ cmd: 'pingreq' }),
    ...(version === 5 ? [auth] : []),
  )

export interface PacketStream {
  readonly version: ProtocolVersion
  /** Bytes of packets, CONNECT first. */
  readonly packets: readonly Buffer[]
}

/** What a well-behaved client of this version sends: at most nine packets. */
export const streamOf = (version: ProtocolVersion): Arbitrary<PacketStream> =>
  fc.tuple(connect(version), fc.array(clientPacket(version), { maxLength: 8 })).map(([first, rest]) => ({
    version,
    packets: [first, ...rest].map((packet) => generate(packet, { protocolVersion: version })),
  }))

/** The same for any version. */
export const packetStream: Arbitrary<PacketStream> = fc.constantFrom<ProtocolVersion>(3, 4, 5).chain(streamOf)

/** What mqtt-packet reads from each packet of a stream, given whole and one at a time: the oracle. */
export const parsedByMqttPacket = (stream: readonly Buffer[]): Packet[] => {
  const mqttParser = parser()
  const parsed: Packet[] = []
  mqttParser.on('packet', (packet) => parsed.push(packet))
  mqttParser.on('error', (error) => {
    throw error
  })
  for (const bytes of stream) mqttParser.parse(bytes)
  return parsed
}

/** The bytes in chunks: cut at each of these places, taken modulo the length. */
export const split = (bytes: Buffer, cuts: readonly number[]): Buffer[] => {
  const places = [...cuts.map((cut) => cut % bytes.length), bytes.length].sort((a, b) => a - b)
  return places.map((place, index) => bytes.subarray(places[index - 1] ?? 0, place))
}

/** The same packet with its buffers in hex: quickly compared, and not lent any more. */
export const readable = (value: unknown): unknown => {
  if (Buffer.isBuffer(value)) return value.toString('hex')
  if (Array.isArray(value)) return value.map(readable)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, readable(field)]))
}
