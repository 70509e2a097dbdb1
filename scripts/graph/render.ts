/** Pictures from DOT, with nothing installed but npm packages. */
import { Resvg, type ResvgRenderOptions } from '@resvg/resvg-js'
import { renderGraphFromSource } from 'graphviz-cli'
import { messageOf } from '../../src/system/system-error.ts'

/**
 * The picture as SVG, with a title for those who hear pictures read out.
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

/**
 * The picture as PNG, at twice the size of the SVG's points so that it is sharp on any screen.
 * @param font where to look for a font; by default among those of the operating system.
 * @throws when no font is found: the picture would have no words.
 */
export const renderPng = (svg: string, font: ResvgRenderOptions['font'] = { loadSystemFonts: true }): Buffer => {
  const options = { font: { ...font, sansSerifFamily: 'DejaVu Sans' }, fitTo: { mode: 'zoom', value: 2 } } as const
  if (new Resvg(probe, options).getBBox() === undefined) {
    throw new Error(
      'A PNG needs a font and this machine has none: install one (on Debian and Ubuntu `apt install fonts-dejavu-core`), or write SVG (--format svg), which is drawn with the fonts of whoever looks at it',
    )
  }
  return new Resvg(svg, options).render().asPng()
}

const fontFamily = 'Verdana, DejaVu Sans, sans-serif'

/** Text alone: without a font it covers nothing. */
const probe = `<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"><text y="15" font-family="${fontFamily}">M</text></svg>`

/** Graphviz draws all lines of a node alike; the first one is the component's name. */
const emphasizeName = (node: string): string => {
  let line = 0
  return node.replace(/<text /g, () => (line++ === 0 ? '<text font-weight="bold" ' : '<text fill-opacity="0.85" '))
}

/** Keeps a label readable where another edge runs through it. */
const halo = 'paint-order="stroke" stroke="#ffffff" stroke-width="2" stroke-linejoin="round"'
