import { describeDisconnectReason, describeReasonCode } from '../../src/mqtt/describe-reason-code.ts'
import { PacketType, packetTypeName } from '../../src/mqtt/packet-type.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { counter, gauge, type Measure } from '../../src/system/define-system.ts'
import type { AuthenticatorRecord } from './authenticators.ts'
import type { HandlerCounters } from './counters.ts'
import type { MqttHandler } from './mqtt-handler.ts'

/** What operators read of a handler: the number of its clients, and each of its counters. */
export const measuresOf = ({
  authenticators,
  clients,
  connecting,
  counters,
  rates,
}: MqttHandler): readonly Measure[] => {
  const { refusals, disconnectsByBroker, disconnectsByClient } = counters
  return [
    gauge(
      'open',
      'clients',
      'Network connections that the handler serves, before and after CONNECT.',
      () => clients.size,
    ),
    gauge(
      'connecting',
      'clients',
      'Clients whose CONNECT came, and that are not accepted yet.',
      () => connecting.count,
    ),
    gauge('slowed', 'clients', 'Clients that are not read now because they published too fast.', () => rates.slowed),
    counter('slowed_down', 'times', 'Clients stopped for publishing too fast.', () => counters.slowedPublishers),
    counter('refused_of_user', 'clients', 'Clients over maximumConnectionsPerUser.', () => counters.refusedOfUser),
    counter('accepted', 'clients', 'Clients whose CONNECT was accepted.', () => counters.connects),
    gauge(
      'authenticating',
      'clients',
      'Clients whose user name and password an authenticator has not answered for.',
      () => authenticators.waiting,
    ),
    ...byVersion(counters.connectedByVersion),
    ...[...authenticators].flatMap(byResult),
    counter('anonymous', 'clients', 'Clients that allowAnonymous let in.', () => counters.anonymousClients),
    counter('unknown', 'clients', 'Clients that no authenticator knows.', () => counters.unknownClients),
    ...byReason('refused', 'Clients that were refused before they were connected, by Reason Code.', refusals),
    ...byReason('disconnected', 'Clients that the broker disconnected, by Reason Code.', disconnectsByBroker, true),
    ...byReason('left', 'Clients that sent DISCONNECT, by its Reason Code.', disconnectsByClient, true),
    counter('lost', 'clients', 'Clients that were closed or lost without DISCONNECT.', () => counters.lostConnections),
    ...ofPackets(counters),
    counter(
      'not_accepted',
      'messages',
      'Messages that were refused to their publisher.',
      () => counters.refusedPublishes,
    ),
    counter(
      'unstored_publish',
      'messages',
      'Messages at QoS 1 and 2 that were refused because the store could not write.',
      () => counters.unstoredPublishes,
    ),
    counter(
      'unstored_subscribe',
      'subscriptions',
      'Subscriptions that were refused because the store could not write.',
      () => counters.unstoredSubscriptions,
    ),
    counter(
      'payload_too_large',
      'messages',
      'Messages and Wills whose payload is larger than maximumPayloadBytes.',
      () => counters.tooLargePayloads,
    ),
    counter('dropped', 'messages', 'Messages at QoS 0 whose subscriber reads too slowly.', () => counters.droppedQoS0),
    counter('denied', 'messages', 'Messages that their subscriber may not receive.', () => counters.deniedDeliveries),
    counter(
      'too_large',
      'messages',
      'Messages over the Maximum Packet Size of the subscriber.',
      () => counters.tooLarge,
    ),
  ]
}

/** Packets of all clients, and the payloads in them. */
const ofPackets = (counters: HandlerCounters): readonly Measure[] => {
  const { packetsIn, packetsOut, publishesIn, publishesOut, payloadsIn, payloadsOut } = counters
  return [
    ...byType('received', 'Packets from clients, by type.', packetsIn, publishesIn, fromClients),
    ...byType('sent', 'Packets to clients, by type.', packetsOut, publishesOut, toClients),
    ...byQoS('received_publish', 'PUBLISH packets from clients, by QoS.', publishesIn),
    ...byQoS('sent_publish', 'PUBLISH packets to clients, by QoS.', publishesOut),
    ...byQoS('received_payload', 'Payloads of PUBLISH packets from clients, by QoS.', payloadsIn, 'bytes'),
    ...byQoS('sent_payload', 'Payloads of PUBLISH packets to clients, by QoS.', payloadsOut, 'bytes'),
  ]
}

const RESULTS = ['allowed', 'denied', 'passed', 'failed', 'revoked'] as const

const byResult = (record: AuthenticatorRecord): Measure[] =>
  RESULTS.map((result) =>
    counter(
      'authenticated',
      'clients',
      'Clients that an authenticator was asked about, by result.',
      () => record[result],
      {
        authenticator: record.name,
        result,
      },
    ),
  )

/** Reason Codes of DISCONNECT: 0x00, 0x04 and the errors. */
const REASONS = Object.values(ReasonCode).filter(
  (code) => code === 0 || code === ReasonCode.DisconnectWithWillMessage || code >= ReasonCode.UnspecifiedError,
)

/** @param isDisconnect whether they are Reason Codes of DISCONNECT; those of CONNACK are errors alone. */
const byReason = (name: string, help: string, counts: Float64Array, isDisconnect = false): Measure[] =>
  REASONS.filter((code) => isDisconnect || code >= ReasonCode.UnspecifiedError).map((code) => {
    const reason = isDisconnect ? describeDisconnectReason(code) : describeReasonCode(code)
    return counter(name, 'clients', help, () => counts[code]!, { reason })
  })

const { Connect, Connack, Publish, Puback, Pubrec, Pubrel, Pubcomp, Subscribe, Suback, Unsubscribe, Unsuback } =
  PacketType
const both = [Publish, Puback, Pubrec, Pubrel, Pubcomp]
const fromClients = [
  Connect,
  ...both,
  Subscribe,
  Unsubscribe,
  PacketType.Pingreq,
  PacketType.Disconnect,
  PacketType.Auth,
]
const toClients = [Connack, ...both, Suback, Unsuback, PacketType.Pingresp, PacketType.Disconnect, PacketType.Auth]

const byType = (
  name: string,
  help: string,
  counts: Float64Array,
  publishes: Float64Array,
  types: readonly PacketType[],
): Measure[] =>
  types.map((type) => {
    const read = type === Publish ? () => publishes[0]! + publishes[1]! + publishes[2]! : () => counts[type]!
    return counter(name, 'packets', help, read, { type: packetTypeName(type) })
  })

const VERSIONS: Readonly<Record<string, ProtocolVersion>> = { '3.1': 3, '3.1.1': 4, '5.0': 5 }

const byVersion = (counts: Float64Array): Measure[] =>
  Object.entries(VERSIONS).map(([version, level]) => ({
    ...gauge('connected', 'clients', 'Clients that are connected now, by version of MQTT.', () => counts[level]!),
    labels: { version },
  }))

const byQoS = (name: string, help: string, counts: Float64Array, unit = 'packets'): Measure[] =>
  [0, 1, 2].map((qos) => counter(name, unit, help, () => counts[qos]!, { qos: `${qos}` }))
