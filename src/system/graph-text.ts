import type { GraphEdge, GraphNode, SystemGraph } from './graph-model.ts'
import { ownProblems, roleLabel, shownName, stateWords, visible } from './graph-words.ts'

/**
 * The graph as a tree for a terminal: components that no other component depends on are at the left margin, under each
 * component are its dependencies, and the states are in a column. A component that several depend on is expanded at its first
 * place only.
 */
export const toText = (graph: SystemGraph): string => {
  const rows = treeRows(graph)
  const width = (of: (row: Row) => string) => Math.max(0, ...rows.map((row) => of(row).length))
  const treeWidth = width((row) => row.tree)
  const kindWidth = width((row) => row.kind)
  const stateWidth = width((row) => row.state)
  return [
    ...rows.flatMap((row) => [
      [row.tree.padEnd(treeWidth), row.kind.padEnd(kindWidth), row.state.padEnd(stateWidth), row.description]
        .join('  ')
        .trimEnd(),
      ...row.problems.map((problem) => `${row.indent}  ! ${problem}`),
    ]),
    ...graph.problems.map(({ message }) => `! ${visible(message)}`),
    '',
  ].join('\n')
}

/** A line of the tree. The columns of a component are shown only at its first place. */
interface Row {
  readonly tree: string
  readonly kind: string
  readonly state: string
  readonly description: string
  /** The beginning of the lines below it, down to the next row. */
  readonly indent: string
  readonly problems: readonly string[]
}

const marks = {
  disabled: '-',
  waiting: '○',
  starting: '◐',
  running: '●',
  failed: '✗',
  blocked: '⊘',
  suspended: '◐',
  stopping: '◐',
  stopped: '○',
} as const

const verdictMarks = { keep: '●', adjust: '~', swap: '⇄', restart: '↻', start: '+', stop: '-' } as const

const treeRows = (graph: SystemGraph): readonly Row[] => {
  const nodes = new Map(graph.nodes.map((node) => [node.name, node]))
  const seen = new Set<string>()
  const rows: Row[] = []
  const visit = (node: GraphNode, edge: GraphEdge | undefined, branch: string, indent: string): void => {
    const first = !seen.has(node.name)
    seen.add(node.name)
    // The dependencies of a disabled component are expanded where enabled components use them.
    const shown = (each: GraphEdge) => each.from === node.name && (node.enabled || each.problem !== undefined)
    const children = first ? graph.edges.filter(shown) : []
    rows.push({
      tree: branch + words(node, edge, first),
      kind: first ? visible(node.kind ?? '') : '',
      state: first ? marked(node) : '',
      description: first ? visible(node.description ?? '') : '',
      indent: `${indent}${children.length > 0 ? '│' : ' '}`,
      problems: [
        ...(edge?.problem === undefined || !node.defined ? [] : [edge.problem]),
        ...(first && node.error !== undefined ? [node.error] : []),
        ...(first ? ownProblems(graph, node) : []),
      ].map(visible),
    })
    for (const [position, child] of children.entries()) {
      const last = position === children.length - 1
      const target = nodes.get(child.to)
      if (target) visit(target, child, `${indent}${last ? '└─ ' : '├─ '}`, `${indent}${last ? '   ' : '│  '}`)
    }
  }
  const used = new Set(graph.edges.map((edge) => edge.to))
  const roots = graph.nodes.filter(({ name }) => !used.has(name))
  // Each component of a cycle has a dependent, so no root leads to a cycle. These components come last.
  for (const node of [...roots, ...graph.nodes]) if (!seen.has(node.name)) visit(node, undefined, '', '')
  return rows
}

const words = (node: GraphNode, edge: GraphEdge | undefined, first: boolean): string => {
  const name = shownName(node)
  const role = edge === undefined ? undefined : visible(roleLabel(edge))
  const place = role === undefined || role === name ? name : `${role} → ${name}`
  return first ? place : `${place} ↑`
}

const marked = (node: GraphNode): string => {
  // The error is on a line of its own, so that it does not widen the column.
  const state = stateWords({ ...node, error: undefined })
  if (state === undefined) return ''
  if (node.planned !== undefined) return `${verdictMarks[node.planned.verdict]} ${visible(state)}`
  return `${node.defined ? marks[node.enabled ? (node.state ?? 'waiting') : 'disabled'] : '✗'} ${visible(state)}`
}
