/** The texts of the diagrams, for all formats. */
import { formatPath } from './check-config.ts'
import type { GraphEdge, GraphNode, SystemGraph } from './graph-model.ts'

/** `7 components, 12 dependencies, 1 problem` */
export const caption = (graph: SystemGraph): string => {
  const count = (of: readonly unknown[], noun: string, plural: string) =>
    `${of.length} ${of.length === 1 ? noun : plural}`
  const defined = graph.nodes.filter((node) => node.defined)
  const problems = [...graph.problems, ...defined.flatMap((node) => node.problems)]
  return [
    count(defined, 'component', 'components'),
    count(graph.edges, 'dependency', 'dependencies'),
    ...(problems.length === 0 ? [] : [count(problems, 'problem', 'problems')]),
  ].join(', ')
}

/** The name of a component, which may be empty in a config that would not start. */
export const shownName = (node: GraphNode): string => visible(node.name).trim() || "''"

/** `PipelineStage 1: decoder`: the kind of a component, its place in the list that names it, and its variant. */
export const kindWords = ({ kind, variant, place }: GraphNode): string | undefined => {
  if (kind === undefined) return undefined
  const words = place === undefined ? kind : `${kind} ${place}`
  return visible(variant === undefined ? words : `${words}: ${variant}`)
}

/** `pipeline[0]`, in the form of the messages of `checkConfig`. */
export const roleLabel = (edge: GraphEdge): string =>
  edge.index === undefined ? edge.role : `${edge.role}[${edge.index}]`

/** `swap: publish.ts changed`, when a plan was given. */
const plannedWords = ({ verdict, reasons }: NonNullable<GraphNode['planned']>): string =>
  reasons.length === 0 ? verdict : `${verdict}: ${reasons.join(', ')}`

/** The state of a component with its reason, or what a plan says about it; undefined if neither was given. */
export const stateWords = (node: GraphNode): string | undefined => {
  if (!node.defined) return 'no such component'
  if (node.planned !== undefined) return plannedWords(node.planned)
  if (!node.enabled) return 'disabled'
  switch (node.state) {
    case 'running':
      return node.startMs === undefined ? 'running' : `running, ${Math.round(node.startMs * 10) / 10} ms`
    case 'blocked':
      return node.blockedBy.length === 0 ? 'blocked' : `blocked by ${node.blockedBy.join(', ')}`
    default:
      return node.error === undefined ? node.state : `${node.state}: ${node.error}`
  }
}

/** The problems of a component that are not shown at a dependency: `config.port: must be ...`. */
export const ownProblems = (graph: SystemGraph, node: GraphNode): readonly string[] => {
  const wrong = graph.edges.filter((edge) => edge.from === node.name && edge.problem !== undefined)
  return node.problems
    .filter(
      ({ path: [, section, role, index] }) =>
        section !== 'dependencies' ||
        !wrong.some((edge) => edge.role === role && (index === undefined || edge.index === index)),
    )
    .map(({ path, message }) => (path.length < 2 ? message : `${formatPath(path.slice(1))}: ${message}`))
}

/** The text on one line, fit for a terminal and for XML. */
export const visible = (text: string): string => withoutControls(text.replace(/\s+/gu, ' '))

/** The text with invisible and control characters escaped, as `\u{1b}`: a name may contain any character. */
export const withoutControls = (text: string): string =>
  text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\u{fffe}\u{ffff}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  )

/** The text broken between words into lines of about `width`, at most `most` of them. */
export const wrapped = (text: string, width: number, most: number): readonly string[] => {
  const lines = ['']
  for (const word of visible(text).split(' ')) {
    const last = lines.at(-1) ?? ''
    if (last !== '' && last.length + word.length >= width) lines.push(word)
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
  }
  return lines.length > most ? [...lines.slice(0, most - 1), `${lines[most - 1]} ...`] : lines
}
