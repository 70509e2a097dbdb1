/** Which rate belongs to which edge of the diagram. */

import type { Graph, GraphEdge, GraphNode } from './contract.ts'
import type { Rates } from './counters.ts'

/** What an edge carries per second. */
export interface EdgeRate {
  readonly value: number
  /** What is counted: `messages`. */
  readonly unit: 'messages' | 'packets'
}

/**
 * The rate of the API, or else one that follows from the counters: packets between the server and the stages that read and write
 * them, messages between handler, broker and router. Undefined where nothing is known.
 */
export const edgeRate = (edge: GraphEdge, graph: Graph, rates: Rates | undefined): EdgeRate | undefined => {
  if (typeof edge.rate === 'number') return { value: edge.rate, unit: 'messages' }
  if (rates === undefined || !edge.active) return undefined
  const from = graph.nodes.find(({ name }) => name === edge.from)
  const to = graph.nodes.find(({ name }) => name === edge.to)
  if (from === undefined || to === undefined) return undefined
  return rateBetween(from, to, rates)
}

const rateBetween = (from: GraphNode, to: GraphNode, rates: Rates): EdgeRate | undefined => {
  if (from.kind === 'Listener' && to.kind === 'PipelineStage') {
    if (to.variant === 'decoder') return { value: rates.packetsIn, unit: 'packets' }
    if (to.variant === 'encoder') return { value: rates.packetsOut, unit: 'packets' }
    return undefined
  }
  if (from.kind === 'PipelineStage' && to.kind === 'Broker') return { value: rates.messagesIn, unit: 'messages' }
  if (from.kind === 'Broker' && to.kind === 'Router') return { value: rates.messagesOut, unit: 'messages' }
  return undefined
}
