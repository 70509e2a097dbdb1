import type { GraphNode } from './graph-model.ts'

/** The colours of components. All have six digits, since small builds of Graphviz read three digits as black. */
export interface NodeColours {
  readonly fill: string
  readonly border: string
  readonly font: string
  /** A dashed border: the component is disabled, or not started yet. */
  readonly dashed: boolean
  /** A highlighted border. */
  readonly bold: boolean
}

export const red = '#c62828'

/**
 * Problems take precedence over what a plan says, this over the state, and the state over the kind. If there are more kinds than colours, colours repeat.
 * @param wrong whether the node itself has the problem, not one of its dependencies.
 */
export const nodeColours = (node: GraphNode, kinds: readonly (string | undefined)[], wrong: boolean): NodeColours => {
  if (!node.defined) return ghost
  if (wrong) return faulty
  if (node.planned !== undefined) return verdictColours[node.planned.verdict]
  if (!node.enabled) return disabled
  if (node.state !== undefined) return stateColours[node.state]
  return kindColours[kinds.indexOf(node.kind) % kindColours.length] ?? neutral
}

const colours = (fill: string, border: string, rest: Partial<NodeColours> = {}): NodeColours => ({
  fill,
  border,
  font: '#1d2939',
  dashed: false,
  bold: false,
  ...rest,
})

const neutral = colours('#ffffff', '#98a2b3')
const disabled = colours('#fafafa', '#b0b7c3', { font: '#7b8494', dashed: true })
const ghost = colours('#fff5f5', red, { font: red, dashed: true, bold: true })
const faulty = colours('#fdecea', red, { font: red, bold: true })

const stateColours = {
  disabled,
  waiting: neutral,
  starting: colours('#fff6cf', '#a98600'),
  running: colours('#dcf3e1', '#2e7d41'),
  failed: colours('#fbdcd9', red, { font: red, bold: true }),
  blocked: colours('#fdeedb', '#b45309', { dashed: true }),
  suspended: colours('#e3effd', '#4a86c5'),
  stopping: colours('#fff6cf', '#a98600'),
  stopped: colours('#eff0f3', '#7b8494'),
} as const

const verdictColours = {
  keep: neutral,
  adjust: colours('#dcf3e1', '#2e7d41'),
  swap: colours('#e3effd', '#4a86c5', { bold: true }),
  restart: colours('#fdeedb', '#b45309', { bold: true }),
  start: colours('#fff6cf', '#a98600', { dashed: true }),
  stop: colours('#fbdcd9', red, { font: red, dashed: true }),
} as const

const kindColours = [
  colours('#e3effd', '#4a86c5'),
  colours('#fdf0d9', '#c58a2b'),
  colours('#e4f4e8', '#4c9a63'),
  colours('#f1e9fb', '#8a63c0'),
  colours('#e0f4f5', '#3d949b'),
  colours('#fbe6ef', '#bf5a87'),
  colours('#f3f0e0', '#8d8344'),
  colours('#eaecf3', '#66708c'),
] as const
