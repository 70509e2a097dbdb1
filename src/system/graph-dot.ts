import { nodeColours, red } from './graph-colours.ts'
import { type GraphEdge, type GraphNode, orderedLists, type SystemGraph } from './graph-model.ts'
import {
  caption,
  kindWords,
  ownProblems,
  roleLabel,
  shownName,
  stateWords,
  visible,
  withoutControls,
  wrapped,
} from './graph-words.ts'

/**
 * The graph in Graphviz's language. Edges run from a component down to its dependencies, and lists from left to right. Every
 * text is escaped, so that any name is legal; labels are plain text, since small builds of Graphviz have no HTML.
 */
export const toDot = (graph: SystemGraph): string => {
  const kinds = [...new Set(graph.nodes.map(({ kind }) => kind))]
  return [
    `digraph ${identifier(caption(graph))} {`,
    `  graph [${attributes({ rankdir: 'TB', nodesep: '0.3', ranksep: '0.7', bgcolor: '#ffffff', ...problemsLabel(graph) })}]`,
    `  node [${attributes({ shape: 'box', fontname, fontsize: '11', margin: '0.17,0.08' })}]`,
    `  edge [${attributes({ fontname, fontsize: '9', arrowsize: '0.7', color: '#98a2b3', fontcolor: '#475467' })}]`,
    '',
    ...graph.nodes.map((node) => `  ${identifier(node.name)} [${attributes(nodeAttributes(graph, node, kinds))}]`),
    '',
    ...orderedLists(graph.edges).map(row),
    ...graph.edges.map(
      (edge) => `  ${identifier(edge.from)} -> ${identifier(edge.to)} [${attributes(edgeAttributes(edge))}]`,
    ),
    '}',
    '',
  ].join('\n')
}

/** Keeps the components of a list in one row, from left to right, by invisible edges. */
const row = (list: readonly GraphEdge[]): string =>
  `  { rank="same"; ${[...new Set(list.map(({ to }) => identifier(to)))].join(' -> ')} [style="invis"] }`

/** Graphviz knows the widths of this font without having it, and DejaVu Sans has the same widths. */
const fontname = 'Verdana'

type Attributes = Readonly<Record<string, string>>

/** Problems of the config as a whole are listed under the picture. */
const problemsLabel = ({ problems }: SystemGraph): Attributes =>
  problems.length === 0
    ? {}
    : {
        label: label(problems.flatMap(({ message }) => wrapped(message, 80, 4))),
        fontname,
        fontsize: '11',
        fontcolor: red,
      }

const nodeAttributes = (graph: SystemGraph, node: GraphNode, kinds: readonly (string | undefined)[]): Attributes => {
  const problems = ownProblems(graph, node)
  const colours = nodeColours(node, kinds, problems.length > 0)
  const lines = [
    shownName(node),
    ...[kindWords(node)].filter((words) => words !== undefined),
    ...[node.description, stateWords(node)].flatMap((text) => (text === undefined ? [] : wrapped(text, 40, 3))),
    ...problems.flatMap((problem) => wrapped(problem, 44, 5)),
  ]
  return {
    label: label(lines),
    style: colours.dashed ? 'rounded,filled,dashed' : 'rounded,filled',
    fillcolor: colours.fill,
    color: colours.border,
    fontcolor: colours.font,
    ...(colours.bold ? { penwidth: '1.8' } : {}),
    ...minimalWidth(lines),
  }
}

/** In inches: Graphviz measures letters outside ASCII as narrow as a space. */
const minimalWidth = (lines: readonly string[]): Attributes => {
  if (lines.every((line) => /^[ -~]*$/.test(line))) return {}
  const widths = lines.map((line) => [...line].reduce((sum, letter) => sum + (letter <= '~' ? 0.095 : 0.16), 0.4))
  return { width: Math.max(...widths).toFixed(2) }
}

const edgeAttributes = (edge: GraphEdge): Attributes => ({
  // Graphviz puts the label right beside the line: the spaces separate them.
  label: label([roleLabel(edge), edge.problem].flatMap((text) => (text === undefined ? [] : `  ${visible(text)}`))),
  ...(edge.problem === undefined ? {} : { color: red, fontcolor: red, penwidth: '1.8' }),
  ...(edge.active ? {} : { style: 'dashed' }),
})

const attributes = (named: Attributes): string =>
  Object.entries(named)
    .map(([name, value]) => `${name}="${value}"`)
    .join(', ')

/** A backslash introduces an escape in a label, and an ampersand an entity. */
const label = (lines: readonly string[]): string =>
  lines.map((line) => line.replace(/[\\"]/g, '\\$&').replaceAll('&', '&amp;')).join('\\n')

/** A quoted name; different names stay different. */
const identifier = (name: string): string => `"${withoutControls(name.replace(/[\\"]/g, '\\$&'))}"`
