/** What the package offers to those who write systems and components of their own. */

// The zod that the container reads schemas with: two copies in one program would have types that do not fit each other.
export { z } from 'zod'

export type { Connection, ConnectionEnd } from './kinds/connection.ts'
export { type ConnectionCounters, Listener, type ListenerInfo } from './kinds/listener.ts'
export { Logger, type LogLevel, type LogLine } from './kinds/logger.ts'
export { describePeer, type Peer, type PeerTls } from './kinds/peer.ts'
export {
  type ByteReceiver,
  type ConnectPacket,
  type ControlPacket,
  DecoderStage,
  EncoderStage,
  FilterStage,
  HandlerStage,
  type PacketReceiver,
  PipelineStage,
} from './kinds/pipeline-stage.ts'
export { Router, type Subscriber } from './kinds/router.ts'
export { type ByteStream, Transport, type TransportServer } from './kinds/transport.ts'
export { describeReasonCode } from './mqtt/describe-reason-code.ts'
export { Message, type MessageParts } from './mqtt/message.ts'
export type { Publish } from './mqtt/publish.ts'
export type { PublishChanges } from './mqtt/publish-changes.ts'
export type { PublishRun } from './mqtt/publish-run.ts'
export * from './system/index.ts'
