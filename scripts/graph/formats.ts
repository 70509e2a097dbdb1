/** The formats of the diagram. Packages are loaded when they are used: an installed package has them only if the user installed them. */

import { extname } from 'node:path'
import { type SystemGraph, toDot, toMermaid } from '../../src/system/graph.ts'

const svgOf = async (graph: SystemGraph): Promise<string> => (await import('./render.ts')).renderSvg(toDot(graph))

/** The functions that make a file of each format. */
export const writers = {
  dot: toDot,
  svg: svgOf,
  png: async (graph: SystemGraph) => (await import('./render-png.ts')).renderPng(await svgOf(graph)),
  json: (graph: SystemGraph) => `${JSON.stringify(graph, null, 2)}\n`,
  mermaid: toMermaid,
} as const
export type Format = keyof typeof writers

export const extensions: Readonly<Record<string, Format>> = {
  '.dot': 'dot',
  '.svg': 'svg',
  '.png': 'png',
  '.json': 'json',
  '.mmd': 'mermaid',
}

/** The format of a file by its name; undefined if the name has none. */
export const formatOf = (file: string): Format | undefined => extensions[extname(file).toLowerCase()]
