/** What the package offers to those who write systems and components of their own. */

// The zod that the container reads schemas with: two copies in one program would have types that do not fit each other.
export { z } from 'zod'

export type { Connection, ConnectionEnd } from './kinds/connection.ts'
export { Listener } from './kinds/listener.ts'
export { Logger, type LogLevel, type LogLine } from './kinds/logger.ts'
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
export { Message, type MessageParts } from './mqtt/message.ts'
export type { Publish } from './mqtt/publish.ts'
export type { PublishChanges } from './mqtt/publish-changes.ts'
export type { PublishRun } from './mqtt/publish-run.ts'
export {
  type CheckedConfig,
  checkConfig,
  formatPath,
  formatProblems,
} from './system/check-config.ts'
export type { ConfigProblem } from './system/config-problem.ts'
export {
  type AnyComponent,
  type AnySystemConfig,
  type Component,
  defineComponent,
  defineSystem,
  type LifecycleContext,
  type Provider,
  type SystemConfig,
  type SystemMap,
} from './system/define-system.ts'
export { formatError } from './system/format-error.ts'
export {
  type GraphEdge,
  type GraphNode,
  type SystemGraph,
  systemGraph,
  toDot,
  toMermaid,
  toText,
} from './system/graph.ts'
export {
  type AnyKind,
  type Exclusive,
  exclusive,
  type Kind,
  kind,
  type Many,
  many,
  type Need,
  type Optional,
  optional,
} from './system/kind.ts'
export {
  type ComponentState,
  type ComponentStatus,
  createSystem,
  type Suspended,
  type SuspendedComponent,
  type System,
  type SystemOptions,
  type SystemState,
} from './system/lifecycle.ts'
export { applySettings, type LateSetting, type PlacedSetting, type Setting } from './system/settings.ts'
export { SystemError, type SystemErrorCode, systemErrorCodes } from './system/system-error.ts'
