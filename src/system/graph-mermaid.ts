import { nodeColours, red } from './graph-colours.ts'
import type { SystemGraph } from './graph-model.ts'
import { kindWords, ownProblems, roleLabel, shownName, stateWords, visible } from './graph-words.ts'

/** The graph as a Mermaid flowchart, which GitHub and GitLab draw inside Markdown. */
export const toMermaid = (graph: SystemGraph): string => {
  const kinds = [...new Set(graph.nodes.map(({ kind }) => kind))]
  // Mermaid reserves words such as `end`, so names are used only in labels.
  const identifiers = new Map(graph.nodes.map(({ name }, index) => [name, `c${index}`]))
  const nodes = graph.nodes.map((node) => {
    const problems = ownProblems(graph, node)
    const { fill, border, font, dashed, bold } = nodeColours(node, kinds, problems.length > 0)
    const lines = [shownName(node), kindWords(node), node.description, stateWords(node), ...problems]
    const style = `fill:${fill},stroke:${border},color:${font},stroke-width:${bold ? 2 : 1}px`
    const identifier = identifiers.get(node.name)
    return [
      `  ${identifier}["${lines.flatMap((line) => (line === undefined ? [] : escaped(line))).join('<br/>')}"]`,
      `  style ${identifier} ${style}${dashed ? ',stroke-dasharray:4 3' : ''}`,
    ].join('\n')
  })
  const edges = graph.edges.map((edge) => {
    const words = edge.problem === undefined ? [roleLabel(edge)] : [roleLabel(edge), edge.problem]
    const arrow = edge.active ? '-->' : '-.->'
    return `  ${identifiers.get(edge.from)} ${arrow}|"${words.map(escaped).join('<br/>')}"| ${identifiers.get(edge.to)}`
  })
  const wrong = graph.edges.flatMap((edge, index) => (edge.problem === undefined ? [] : index))
  return [
    'flowchart TB',
    ...nodes,
    ...edges,
    ...(wrong.length === 0 ? [] : [`  linkStyle ${wrong.join(',')} stroke:${red},color:${red}`]),
    '',
  ].join('\n')
}

/** Mermaid has no escape character: `#34;` is the character with the code 34. */
const escaped = (text: string): string =>
  visible(text).replace(/[^\p{L}\p{N} ._:,/()[\]=+'-]/gu, (character) => `#${character.codePointAt(0)};`)
