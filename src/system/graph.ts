/** The diagram of a system: its model and its four formats. */
export { toDot } from './graph-dot.ts'
export { toMermaid } from './graph-mermaid.ts'
export { type GraphEdge, type GraphNode, type SystemGraph, systemGraph } from './graph-model.ts'
export { toText } from './graph-text.ts'
