/** The classes whose state crosses a reset, and the records that it crosses in. `every-field-crosses.test.ts` holds the code to it. */

import { brokerClasses, brokerRecords } from './crossing-broker.ts'
import type { CrossingClass, CrossingRecord } from './crossing-class.ts'
import { serverClasses, serverRecords } from './crossing-server.ts'
import { stateClasses, stateRecords } from './crossing-state.ts'
import { transportClasses, transportRecords } from './crossing-transports.ts'

const HANDLER = 'components/mqtt-handler'
const DECODER = 'components/mqtt-decoder'

const OWN_PLACE = 'the successor has its own place'
const MADE_ANEW = 'made anew'

const decoder: readonly CrossingClass[] = [
  {
    file: `${DECODER}/connection-decoder.ts`,
    class: 'ConnectionDecoder',
    gives: ['handOver'],
    forgotten: {
      '#connection': OWN_PLACE,
      '#next': OWN_PLACE,
      '#shared': OWN_PLACE,
      '#takesRuns': 'follows from the next stage',
      '#takesAcknowledgements': 'follows from the next stage',
      '#frameStart': 'of the present chunk; there is none between two',
      '#chunk': 'of the present chunk; there is none between two',
      '#singlyUntil': 'of the present chunk; there is none between two',
    },
  },
  { file: `${DECODER}/partial-packet.ts`, class: 'PartialPacket', gives: ['handOver'], forgotten: {} },
  {
    file: `${DECODER}/partial-memory.ts`,
    class: 'PartialMemory',
    gives: ['handOver'],
    forgotten: { maximumBytes: 'config of the successor' },
  },
  {
    file: `${DECODER}/shared-decoding.ts`,
    class: 'SharedDecoding',
    gives: [],
    forgotten: {
      reader: 'idle between two packets',
      publish: 'idle between two packets',
      message: 'idle between two packets',
      run: 'idle between two packets',
      limits: 'config of the successor',
      nowMs: OWN_PLACE,
      name: OWN_PLACE,
      partials: '`MqttDecoder` hands it over',
    },
  },
]

const encoder: readonly CrossingClass[] = [
  {
    file: 'components/mqtt-encoder/index.ts',
    class: 'ConnectionEncoder',
    gives: [],
    forgotten: {
      '#connection': OWN_PLACE,
      '#next': OWN_PLACE,
      '#publishes': MADE_ANEW,
      '#acknowledgements': MADE_ANEW,
    },
  },
]

const client: readonly CrossingClass[] = [
  {
    file: `${HANDLER}/client.ts`,
    class: 'Client',
    gives: ['handOver'],
    forgotten: { handler: OWN_PLACE },
  },
  {
    file: `${HANDLER}/publish-sender.ts`,
    class: 'PublishSender',
    gives: ['handOverSender'],
    forgotten: { connection: OWN_PLACE, next: OWN_PLACE, '#handler': OWN_PLACE },
  },
  {
    file: `${HANDLER}/mounted-client.ts`,
    class: 'MountedClient',
    gives: [],
    forgotten: { '#mountPoint': 'found by the listener of the connection' },
  },
  { file: `${HANDLER}/dispatch.ts`, class: 'Dispatch', gives: ['handOver'], forgotten: {} },
  {
    file: `${HANDLER}/mounted-dispatch.ts`,
    class: 'MountedDispatch',
    gives: [],
    forgotten: { '#client': '`Dispatch` hands it over', '#mountPoint': 'found by the listener of the connection' },
  },
  {
    file: `${HANDLER}/reading.ts`,
    class: 'Reading',
    gives: ['handOver'],
    forgotten: { '#connection': OWN_PLACE, '#listener': OWN_PLACE },
  },
  {
    file: `${HANDLER}/ack-gate.ts`,
    class: 'AckGate',
    gives: ['handOver'],
    forgotten: {
      journal: 'of the broker of the successor',
      '#client': OWN_PLACE,
      '#waitingReleases': 'counted anew',
      '#position': 'of the present packet; there is none between two',
    },
  },
  {
    file: `${HANDLER}/authentication.ts`,
    class: 'Authentication',
    gives: ['handOver'],
    forgotten: { '#client': OWN_PLACE },
  },
  {
    file: `${HANDLER}/accept.ts`,
    class: 'Claim',
    gives: ['toRecord'],
    forgotten: { '#client': OWN_PLACE },
  },
  {
    file: `${HANDLER}/await-answer.ts`,
    class: 'AwaitedAnswer',
    gives: ['handOver'],
    forgotten: { '#client': OWN_PLACE },
  },
  {
    file: `${HANDLER}/credentials-check.ts`,
    class: 'CredentialsCheck',
    gives: ['handOver'],
    forgotten: { '#client': OWN_PLACE },
  },
  {
    file: `${HANDLER}/filter-work.ts`,
    class: 'FilterWork',
    gives: ['handOver'],
    forgotten: { '#client': OWN_PLACE },
  },
  {
    file: `${HANDLER}/subscribe.ts`,
    class: 'SubscribeRequests',
    gives: ['toRecord'],
    forgotten: { '#client': OWN_PLACE },
  },
  {
    file: `${HANDLER}/unsubscribe.ts`,
    class: 'UnsubscribeRequests',
    gives: ['toRecord'],
    forgotten: { '#client': OWN_PLACE },
  },
  {
    file: `${HANDLER}/publish.ts`,
    class: 'LateAnswer',
    gives: ['handOverEnded'],
    forgotten: {},
  },
  {
    file: `${HANDLER}/late-answers.ts`,
    class: 'EndedLateAnswer',
    gives: ['handOverEnded'],
    forgotten: { '#handler': OWN_PLACE },
  },
  {
    file: `${HANDLER}/publish-rate.ts`,
    class: 'PublishRate',
    gives: ['handOver'],
    forgotten: {
      client: OWN_PLACE,
      clientId: 'its client has it',
      own: 'found by the Client Identifier',
      user: 'found by the user',
    },
  },
  {
    file: 'src/mqtt/topic-alias.ts',
    class: 'IncomingTopicAliases',
    gives: ['handOver'],
    forgotten: {},
  },
  { file: 'src/mqtt/topic-alias.ts', class: 'OutgoingTopicAliases', gives: ['handOver'], forgotten: {} },
]

const handler: readonly CrossingClass[] = [
  {
    file: `${HANDLER}/mqtt-handler.ts`,
    class: 'MqttHandler',
    gives: ['handOver'],
    forgotten: {
      role: 'a constant',
      format: 'a constant',
      config: 'config of the successor',
      broker: OWN_PLACE,
      log: OWN_PLACE,
      authenticationMethods: OWN_PLACE,
      outgoing: 'idle between two packets',
      authenticationExpiry: 'each client hands over its time',
      connecting: 'each client hands over whether it is one',
      userConnections: 'filled with the clients',
      clients: 'each follows with its connection',
      silentClients: 'their watches are due, and are reported again in the next tick',
      '#mountPoints': 'made for the clients of their listeners; their last messages only save work',
      '#terms': 'each client hands over its own',
      '#timer': 'the successor has its own',
    },
  },
  {
    file: `${HANDLER}/authenticators.ts`,
    class: 'AuthenticatorRecord',
    gives: ['handOver'],
    forgotten: {
      authenticator: OWN_PLACE,
      isRemoved: 'one that was removed is not there any more',
      '#failureLog': 'one line more may be logged',
      '#unlogged': 'one line more may be logged',
    },
  },
  {
    file: `${HANDLER}/authenticators.ts`,
    class: 'Authenticators',
    gives: ['handOver'],
    forgotten: {
      waiting: 'counted by the checks that continue',
      '#chains': 'made when they are needed',
      '#removed': 'made again from the names that clients hand over',
      '#hasMethods': OWN_PLACE,
    },
  },
  {
    file: `${HANDLER}/revocations.ts`,
    class: 'Revocations',
    gives: ['handOver'],
    forgotten: {
      '#authenticators': OWN_PLACE,
      '#clients': OWN_PLACE,
      '#scheduler': OWN_PLACE,
      log: OWN_PLACE,
      '#queue': 'the walks begin again',
      '#isStopped': 'a handler that stops hands over nothing',
    },
  },
  {
    file: `${HANDLER}/client-log.ts`,
    class: 'ClientLog',
    gives: ['handOver'],
    forgotten: { log: OWN_PLACE },
  },
  { file: `${HANDLER}/takeover-watch.ts`, class: 'TakeoverWatch', gives: ['handOver'], forgotten: {} },
  {
    file: `${HANDLER}/publish-rate.ts`,
    class: 'PublishRates',
    gives: ['handOver'],
    forgotten: {
      '#counters': OWN_PLACE,
      log: OWN_PLACE,
      '#logInterval': 'one line more may be logged',
      '#slowed': 'each client hands over whether it is one',
      '#timer': 'the successor has its own',
    },
  },
  {
    file: `${HANDLER}/rate-buckets.ts`,
    class: 'PublishBuckets',
    gives: ['handOver'],
    forgotten: { '#limits': 'config of the successor' },
  },
  {
    file: `${HANDLER}/rate-buckets.ts`,
    class: 'PublishBucket',
    gives: ['handOver'],
    forgotten: { '#limits': 'config of the successor' },
  },
  { file: 'src/collections/token-bucket.ts', class: 'TokenBucket', gives: ['handOver'], forgotten: {} },
  {
    file: `${HANDLER}/authentication-expiry.ts`,
    class: 'AuthenticationExpiry',
    gives: [],
    forgotten: {
      '#broker': OWN_PLACE,
      '#wheel': 'each client hands over its time',
      '#expired': 'each client hands over its time, which is over',
    },
  },
  {
    file: `${HANDLER}/connecting.ts`,
    class: 'Connecting',
    gives: ['has'],
    forgotten: { maximum: 'config of the successor' },
  },
  {
    file: `${HANDLER}/user-connections.ts`,
    class: 'UserConnections',
    gives: [],
    forgotten: { '#maximum': 'config of the successor', '#byUser': 'filled with the clients' },
  },
]

const filters: readonly CrossingClass[] = [
  {
    file: 'components/trace/traced-connection.ts',
    class: 'TracedConnection',
    gives: ['handOver'],
    forgotten: { connection: OWN_PLACE, tracer: OWN_PLACE, '#stage': OWN_PLACE },
  },
  {
    file: 'components/trace/trace-receiver.ts',
    class: 'TraceReceiver',
    gives: ['handOver'],
    forgotten: { '#next': OWN_PLACE, '#direction': 'a constant of its place' },
  },
  {
    file: 'components/trace/trace-stage.ts',
    class: 'TraceStage',
    gives: [],
    forgotten: {
      role: 'a constant',
      format: 'a constant',
      tracer: OWN_PLACE,
      broker: OWN_PLACE,
      '#connections': 'empty unless a connection is being opened',
    },
  },
  {
    file: 'components/packet-log/packet-log.ts',
    class: 'ConnectionLog',
    gives: [],
    forgotten: {
      '#connection': OWN_PLACE,
      '#next': OWN_PLACE,
      '#stage': OWN_PLACE,
      '#client': 'the connection has it',
    },
  },
]

/** Add the classes of a component when it gets a hand-over. */
export const CROSSING_CLASSES: readonly CrossingClass[] = [
  ...decoder,
  ...encoder,
  ...client,
  ...handler,
  ...filters,
  ...stateClasses,
  ...serverClasses,
  ...transportClasses,
  ...brokerClasses,
]

const CLIENT_RECORDS = `${HANDLER}/client-record.ts`

export const CROSSING_RECORDS: readonly CrossingRecord[] = [
  ...stateRecords,
  ...serverRecords,
  ...transportRecords,
  ...brokerRecords,
  {
    file: `${DECODER}/connection-decoder.ts`,
    interface: 'DecoderRecord',
    takenBy: [`${DECODER}/connection-decoder.ts`],
  },
  {
    file: `${DECODER}/partial-packet.ts`,
    interface: 'PartialPacketRecord',
    takenBy: [`${DECODER}/partial-packet.ts`],
  },
  {
    file: CLIENT_RECORDS,
    interface: 'DispatchRecord',
    takenBy: [`${HANDLER}/mqtt-handler.ts`, `${HANDLER}/dispatch.ts`],
  },
  {
    file: CLIENT_RECORDS,
    interface: 'ClientRecord',
    takenBy: [`${HANDLER}/client.ts`, `${HANDLER}/continue-client.ts`, `${HANDLER}/mqtt-handler.ts`],
  },
  { file: CLIENT_RECORDS, interface: 'SenderRecord', takenBy: [`${HANDLER}/publish-sender.ts`] },
  { file: CLIENT_RECORDS, interface: 'RateRecord', takenBy: [`${HANDLER}/publish-rate.ts`] },
  { file: CLIENT_RECORDS, interface: 'GateRecord', takenBy: [`${HANDLER}/ack-gate.ts`] },
  { file: CLIENT_RECORDS, interface: 'AuthenticationRecord', takenBy: [`${HANDLER}/authentication.ts`] },
  { file: CLIENT_RECORDS, interface: 'AwaitedRecord', takenBy: [`${HANDLER}/continue-client.ts`] },
  { file: CLIENT_RECORDS, interface: 'CheckRecord', takenBy: [`${HANDLER}/credentials-check.ts`] },
  { file: CLIENT_RECORDS, interface: 'FiltersRecord', takenBy: [`${HANDLER}/continue-client.ts`] },
  {
    file: CLIENT_RECORDS,
    interface: 'LateRecord',
    takenBy: [`${HANDLER}/publish.ts`, `${HANDLER}/remember-qos-2.ts`],
  },
  { file: `${HANDLER}/handler-record.ts`, interface: 'HandlerRecord', takenBy: [`${HANDLER}/mqtt-handler.ts`] },
  {
    file: 'components/trace/traced-connection.ts',
    interface: 'TracedRecord',
    takenBy: ['components/trace/traced-connection.ts'],
  },
]
