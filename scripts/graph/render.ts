/** Pictures in SVG from DOT. Needs only an npm package. */
import { renderGraphFromSource } from 'graphviz-cli'
import { messageOf } from '../../src/system/system-error.ts'

/**
 * The picture as SVG, with a title for screen readers.
 * @throws when `dot` is not legal DOT.
 */
export const renderSvg = async (dot: string): Promise<string> => {
  let svg: string
  try {
    svg = await renderGraphFromSource({ input: dot }, { format: 'svg' })
  } catch (cause) {
    throw new Error(`Graphviz cannot read the DOT it was given: ${messageOf(cause)}`, { cause })
  }
  const title = svg.match(/<title>([^<]*)<\/title>/)?.[1] ?? ''
  return svg
    .replace(/<svg\b[^>]*>/, (tag) => `${tag.replace('<svg', '<svg role="img"')}\n<title>${title}</title>`)
    .replaceAll('font-family="Verdana"', `font-family="${fontFamily}"`)
    .replace(/<g id="node[\s\S]*?<\/g>/g, emphasizeName)
    .replace(/(<g id="edge[\s\S]*?<\/g>)/g, (edge) => edge.replaceAll('<text ', `<text ${halo} `))
}

/** The fonts of the words in a picture. */
export const fontFamily = 'Verdana, DejaVu Sans, sans-serif'

/** Graphviz draws all lines of a node alike; the first one is the component's name. */
const emphasizeName = (node: string): string => {
  let line = 0
  return node.replace(/<text /g, () => (line++ === 0 ? '<text font-weight="bold" ' : '<text fill-opacity="0.85" '))
}

/** Keeps a label readable where another edge runs through it. */
const halo = 'paint-order="stroke" stroke="#ffffff" stroke-width="2" stroke-linejoin="round"'
