/** The wiring of a system as plain data. */

import type { ComponentState } from './component-status.ts'
import type { ConfigProblem } from './config-problem.ts'
import type { PlannedPart } from './reset-plan.ts'

/** One component, or a name that a dependency mentions and the config does not define. */
export interface GraphNode {
  readonly name: string
  /** False for a name that is only mentioned. */
  readonly defined: boolean
  /** The name of the kind it provides; undefined when the entry holds no component. */
  readonly kind: string | undefined
  /** What tells the providers of its kind apart: `decoder` for a `PipelineStage`. */
  readonly variant: string | undefined
  /** Its place in the list that names it, from 1. Undefined if no list of several names it, or if two lists differ. */
  readonly place: number | undefined
  /** The component's description of its config, `127.0.0.1:1883`. Undefined if there is none or the config is invalid. */
  readonly description: string | undefined
  readonly enabled: boolean
  /** Undefined when no status was given. */
  readonly state: ComponentState | undefined
  readonly startMs: number | undefined
  /** The components whose failure blocks this one. */
  readonly blockedBy: readonly string[]
  /** Its error. */
  readonly error: string | undefined
  /** What a reset will do to it; undefined when no plan was given. */
  readonly planned?: Pick<PlannedPart, 'verdict' | 'reasons'> | undefined
  /** The problems of this entry and its dependencies, as found by the check of the config. */
  readonly problems: readonly ConfigProblem[]
}

/** One dependency. */
export interface GraphEdge {
  /** The component that depends. */
  readonly from: string
  /** The component depended on, which need not exist. */
  readonly to: string
  /** The name under which `from` knows it. */
  readonly role: string
  /** The place in the list when the role takes many, from 0; undefined when it takes one. */
  readonly index: number | undefined
  /** False if one of the two is disabled or missing. */
  readonly active: boolean
  /** Its problem, in a few words; undefined if there is none. */
  readonly problem: string | undefined
}

export interface SystemGraph {
  /** In the order of the config; names that are only mentioned come last. */
  readonly nodes: readonly GraphNode[]
  /** By component in the order of the config, then in the order in which the component states its needs. */
  readonly edges: readonly GraphEdge[]
  /** Problems of the config as a whole. */
  readonly problems: readonly ConfigProblem[]
}
