/** What a reload would do, in the words and numbers that the dashboard shows. */

import type { Graph, GraphNode, PlannedConnections, PlannedPart, ResetPlan } from './contract.ts'
import { formatCount, formatPlural } from './format.ts'

/** The components that it does not keep as they are. */
export const changesOf = ({ parts }: ResetPlan): readonly PlannedPart[] =>
  parts.filter(({ verdict }) => verdict !== 'keep')

/** The components that it keeps as they are. */
export const keptOf = ({ parts }: ResetPlan): readonly PlannedPart[] =>
  parts.filter(({ verdict }) => verdict === 'keep')

/** How many clients of all listeners it concerns. */
export interface TouchedClients {
  readonly untouched: number
  /** They stay connected, and notice nothing. */
  readonly kept: number
  readonly closed: number
}

export const touchedClients = ({ connections }: ResetPlan): TouchedClients => ({
  untouched: sum(connections, ({ keptUntouched }) => keptUntouched),
  kept: sum(connections, ({ repiped }) => repiped),
  closed: sum(connections, ({ closed }) => closed),
})

const sum = (connections: readonly PlannedConnections[], of: (each: PlannedConnections) => number): number =>
  connections.reduce((total, each) => total + of(each), 0)

/** `2 of 18 components change. 812 clients are not touched, 3 keep their connections, 0 are disconnected.` */
export const planSentence = (plan: ResetPlan): string => {
  const changes = changesOf(plan).length
  const first =
    changes === 0
      ? 'No component changes: a reload would only read the files of the components again.'
      : `${formatCount(changes)} of ${formatPlural(plan.parts.length, 'component')} ${changes === 1 ? 'changes' : 'change'}.`
  return `${first} ${clientsSentence(plan)}`
}

const clientsSentence = (plan: ResetPlan): string => {
  const { untouched, kept, closed } = touchedClients(plan)
  const are = untouched === 1 ? 'is' : 'are'
  return `${formatPlural(untouched, 'client')} ${are} not touched, ${formatCount(kept)} kept with new pipelines, ${formatCount(closed)} disconnected.`
}

/** Whether both do the same to the components. Clients come and go all the time. */
export const isSamePlan = (one: ResetPlan, other: ResetPlan): boolean =>
  JSON.stringify(changesOf(one)) === JSON.stringify(changesOf(other))

/** The graph with the verdicts of a plan. A component that is not in the graph yet stands in it without arrows. */
export const withPlan = (graph: Graph, { parts }: ResetPlan): Graph => {
  const planned = new Map(parts.map((part) => [part.name, part]))
  const known = new Set(graph.nodes.map(({ name }) => name))
  const added = parts.filter(({ name, verdict }) => verdict === 'start' && !known.has(name)).map(newNode)
  const nodes = [...graph.nodes, ...added].map((node) => ({ ...node, planned: planned.get(node.name) }))
  return { nodes, edges: graph.edges }
}

const newNode = ({ name, kind }: PlannedPart): GraphNode => ({ name, kind, enabled: true, blockedBy: [] })

/** `swap: publish.ts` */
export const plannedText = ({ verdict, reasons }: NonNullable<GraphNode['planned']>): string =>
  reasons.length === 0 ? verdict : `${verdict}: ${reasons.join(', ')}`
