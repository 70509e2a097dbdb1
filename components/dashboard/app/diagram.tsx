import { useMemo } from 'preact/hooks'
import { useApp } from './context.tsx'
import type { Graph, GraphEdge, GraphNode } from './contract.ts'
import type { Rates } from './counters.ts'
import { edgeRate } from './edge-rates.ts'
import { formatScaled } from './format.ts'
import { edgeKey, type Layout, layoutGraph, type Point, pathOf } from './layout.ts'
import { writePlace } from './location.ts'
import { plannedText } from './reset-plan.ts'
import { type Tone, toneOf } from './states.tsx'
import { VerdictShape } from './verdict-mark.tsx'

const SIZES = { nodeWidth: 176, nodeHeight: 48, layerGap: 96, rowGap: 16 }
const MARGIN = 8
/** The diagram shrinks to fit, down to this part of its size. Then it scrolls, since smaller text cannot be read. */
const MINIMUM_SCALE = 0.8

interface DiagramProps {
  readonly graph: Graph
  readonly rates: Rates | undefined
  /** The component whose edges are emphasized. */
  readonly selected: string | undefined
}

/** The components and what they depend on, as an SVG. Each component is a link that selects it. */
export const Diagram = ({ graph, rates, selected }: DiagramProps) => {
  const shape = graph.nodes.map(({ name }) => name).join() + graph.edges.map(({ from, to }) => edgeKey(from, to)).join()
  // The layout depends on the shape alone, and not on states and rates, which change each second.
  const layout = useMemo(
    () => layoutGraph({ nodes: graph.nodes.map(({ name }) => name), edges: graph.edges }, SIZES),
    [shape],
  )
  const width = layout.width + 2 * MARGIN
  const height = layout.height + 2 * MARGIN
  return (
    <svg
      class="diagram"
      viewBox={`${-MARGIN} ${-MARGIN} ${width} ${height}`}
      style={{ minWidth: Math.round(width * MINIMUM_SCALE), maxWidth: width }}
    >
      <title>Wiring diagram. Each component is a link. The table of components below has their states.</title>
      <defs>
        <marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">
          <path d="M0 0.5 8 4 0 7.5z" class="arrow" />
        </marker>
      </defs>
      {graph.edges.map((edge) => (
        <Edge
          key={`${edge.from} ${edge.role} ${edge.index ?? ''}`}
          edge={edge}
          points={layout.edges.get(edgeKey(edge.from, edge.to))}
          tone={edgeTone(edge, graph)}
          isSelected={selected === edge.from || selected === edge.to}
        />
      ))}
      {graph.nodes.map((node) => (
        <Node key={node.name} node={node} at={layout.nodes.get(node.name)!} isSelected={selected === node.name} />
      ))}
      <Labels graph={graph} rates={rates} layout={layout} />
    </svg>
  )
}

/** An edge is red if what it leads to does not work. */
const edgeTone = (edge: GraphEdge, graph: Graph): Tone => {
  if (typeof edge.problem === 'string') return 'bad'
  if (!edge.active) return 'off'
  const target = graph.nodes.find(({ name }) => name === edge.to)
  return target !== undefined && nodeTone(target) === 'bad' ? 'bad' : 'good'
}

const nodeTone = (node: GraphNode): Tone => (node.enabled ? toneOf(node) : 'off')

const Edge = ({
  edge,
  points,
  tone,
  isSelected,
}: {
  edge: GraphEdge
  points: readonly Point[] | undefined
  tone: Tone
  isSelected: boolean
}) =>
  points === undefined ? null : (
    <path class={`edge edge-${tone}${isSelected ? ' edge-selected' : ''}`} d={pathOf(points)} marker-end="url(#arrow)">
      <title>{`${edge.from} uses ${edge.to} as ${edge.role}`}</title>
    </path>
  )

/** Rates stand over all lines. Edges between the same components share one. */
const Labels = ({ graph, rates, layout }: { graph: Graph; rates: Rates | undefined; layout: Layout }) => (
  <g>
    {graph.edges.map((edge) => {
      const rate = edgeRate(edge, graph, rates)
      const points = layout.edges.get(edgeKey(edge.from, edge.to))
      if (rate === undefined || points === undefined) return null
      const end = points.at(-1)!
      return (
        <text key={`${edge.from} ${edge.role} ${edge.index ?? ''}`} class="rate" x={end.x - 10} y={end.y - 5}>
          {`${formatScaled(rate.value)} ${rate.unit === 'messages' ? 'msg' : 'pkt'}/s`}
        </text>
      )
    })}
  </g>
)

const Node = ({ node, at, isSelected }: { node: GraphNode; at: Point; isSelected: boolean }) => {
  const { place } = useApp()
  const tone = nodeTone(node)
  const state = stateText(node)
  const { planned } = node
  const plan = planned === undefined ? '' : ` node-planned node-${planned.verdict}`
  const title = [kindText(node), state, planned && `plan: ${plannedText(planned)}`, node.description]
  const settings = { ...place.settings, component: isSelected ? '' : node.name }
  return (
    <a
      href={writePlace('overview', undefined, settings)}
      class={`node node-${tone}${plan}${isSelected ? ' node-selected' : ''}`}
      aria-current={isSelected ? 'true' : undefined}
    >
      <rect x={at.x} y={at.y} width={SIZES.nodeWidth} height={SIZES.nodeHeight} rx="4">
        <title>{title.filter(Boolean).join(', ')}</title>
      </rect>
      <circle cx={at.x + 14} cy={at.y + 17} r="4" />
      {planned !== undefined && <VerdictShape verdict={planned.verdict} x={at.x + 8} y={at.y + 27} />}
      <text class="node-name" x={at.x + 26} y={at.y + 21}>
        {shorten(node.name, 21)}
      </text>
      <text class="node-detail" x={at.x + 26} y={at.y + 37}>
        {shorten(detailOf(node, tone, state), 24)}
      </text>
    </a>
  )
}

/** The second line of a component: what is planned for it, what is wrong with it, or what it is. */
const detailOf = ({ planned, description, kind }: GraphNode, tone: Tone, state: string): string => {
  if (planned !== undefined) return plannedText(planned)
  return tone === 'bad' || tone === 'waiting' ? state : (description ?? kind ?? '')
}

/** `running`, or why it does not work. */
export const stateText = (node: GraphNode): string => {
  if (!node.enabled) return 'disabled'
  if (node.state === undefined && node.planned?.verdict === 'start') return 'not started'
  if (typeof node.unready === 'string' && node.unready !== '') return `unready: ${node.unready}`
  if (node.state === 'blocked' && node.blockedBy.length > 0) return `blocked by ${node.blockedBy.join(', ')}`
  return node.state ?? 'unknown'
}

/** `PipelineStage, decoder` */
export const kindText = ({ kind, variant }: Pick<GraphNode, 'kind' | 'variant'>): string =>
  [kind, variant].filter(Boolean).join(', ')

const shorten = (text: string, characters: number): string =>
  text.length <= characters ? text : `${text.slice(0, characters - 1)}…`
