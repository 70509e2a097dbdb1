/** The exports of the package: for programs that embed the broker, and for systems and components of other authors. */

export type { QoS } from 'mqtt-packet'
// The zod that the container reads schemas with: two copies in one program would have types that do not fit each other.
export { z } from 'zod'
export {
  type BrokerOptions,
  type ComponentValues,
  createBroker,
  type EmbeddedBroker,
  type PublishOptions,
  type ShippedSystem,
} from './create-broker.ts'

// The kinds, each with its contract.
export * from './kinds/authentication-method.ts'
export * from './kinds/authenticator.ts'
export * from './kinds/authorizer.ts'
export * from './kinds/bridge.ts'
export * from './kinds/broker.ts'
export * from './kinds/broker-inspector.ts'
export * from './kinds/client-broker.ts'
export * from './kinds/client-listener.ts'
export * from './kinds/client-session.ts'
export * from './kinds/connection.ts'
export * from './kinds/durability.ts'
export * from './kinds/http-server.ts'
export * from './kinds/identity.ts'
export * from './kinds/listener.ts'
export * from './kinds/listener-authentication.ts'
export * from './kinds/listener-options.ts'
export * from './kinds/logger.ts'
export * from './kinds/metrics.ts'
export * from './kinds/peer.ts'
export * from './kinds/pipeline-stage.ts'
export * from './kinds/plain-records.ts'
export * from './kinds/recipient.ts'
export * from './kinds/replaceable-logger.ts'
export * from './kinds/router.ts'
export * from './kinds/session-ownership.ts'
export * from './kinds/store.ts'
export * from './kinds/sys-topics.ts'
export * from './kinds/topic-rule.ts'
export * from './kinds/tracer.ts'
export * from './kinds/transport.ts'
export * from './kinds/turn-scheduler.ts'
export * from './kinds/user-directory.ts'
export * from './kinds/webhook.ts'

// The types that the contracts use.
export type { Acknowledgement } from './mqtt/acknowledgement.ts'
export { describeReasonCode } from './mqtt/describe-reason-code.ts'
export { Message, type MessageParts, type PartLengths } from './mqtt/message.ts'
export { PackedMessage } from './mqtt/packed-message.ts'
export type { ProtocolError } from './mqtt/protocol-error.ts'
export type { ProtocolVersion } from './mqtt/protocol-version.ts'
export type { Publish, PublishFields } from './mqtt/publish.ts'
export type { PublishChanges } from './mqtt/publish-changes.ts'
export type { PublishRun } from './mqtt/publish-run.ts'
export { ReasonCode } from './mqtt/reason-code.ts'
export type { Subscription } from './mqtt/subscription.ts'

export { jsonResponse, wholeBody } from './network/whole-body.ts'
export * from './system/index.ts'
