/**
 * The container by itself, which `mqtt-jig/system` exports: kinds, components, systems. It knows nothing of MQTT.
 * docs/container.md shows how to use it.
 */

export { type CheckedConfig, checkConfig } from './check-config.ts'
export type { ComponentScope, InstanceOwner } from './component-scope.ts'
export { type ConfigProblem, formatPath, formatProblems } from './config-problem.ts'
export {
  type AnyComponent,
  type AnySystemConfig,
  type Component,
  type ComponentMeasure,
  defineComponent,
  defineSystem,
  type LifecycleContext,
  type Measure,
  type Provider,
  type SystemConfig,
  type SystemMap,
} from './define-system.ts'
export { formatError } from './format-error.ts'
export { type GraphEdge, type GraphNode, type SystemGraph, systemGraph, toDot, toMermaid, toText } from './graph.ts'
export type { Adjustment, Handover } from './handover.ts'
export {
  type All,
  type AnyKind,
  all,
  type Exclusive,
  exclusive,
  type Kind,
  kind,
  type Many,
  many,
  type Need,
  type Optional,
  optional,
  type Resolved,
} from './kind.ts'
export {
  type ComponentState,
  type ComponentStatus,
  createSystem,
  type RefreshOutcome,
  type Suspended,
  type SuspendedComponent,
  type System,
  type SystemOptions,
  type SystemState,
  type SystemView,
} from './lifecycle.ts'
export { only } from './only.ts'
export type {
  AppliedPart,
  CheckedPlan,
  PlannedConnections,
  PlannedPart,
  ResetOptions,
  ResetPlan,
  ResetReport,
  Verdict,
} from './reset-plan.ts'
export { applySettings, type LateSetting, type PlacedSetting, type Setting } from './settings.ts'
export { SystemError, type SystemErrorCode, systemErrorCodes } from './system-error.ts'
export type { SystemObserver } from './system-observer.ts'
export type { ObservedRefresh, Reloaded, SystemReloader } from './system-reloader.ts'
