/** Pictures in PNG from SVG. */
import { Resvg, type ResvgRenderOptions } from '@resvg/resvg-js'
import { fontFamily } from './render.ts'

/**
 * The picture as PNG, at twice the size of the SVG's points so that it is sharp on any screen.
 * @param font the folders of fonts; by default those of the operating system.
 * @throws when no font is found: the picture would have no words.
 */
export const renderPng = (svg: string, font: ResvgRenderOptions['font'] = { loadSystemFonts: true }): Buffer => {
  const options = { font: { ...font, sansSerifFamily: 'DejaVu Sans' }, fitTo: { mode: 'zoom', value: 2 } } as const
  if (new Resvg(probe, options).getBBox() === undefined) {
    throw new Error(
      'A PNG needs a font and this machine has none: install one (on Debian and Ubuntu `apt install fonts-dejavu-core`), or write SVG (--format svg), which is drawn with the fonts of the viewer',
    )
  }
  return new Resvg(svg, options).render().asPng()
}

/** A picture with text only: without a font it is empty. */
const probe = `<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"><text y="15" font-family="${fontFamily}">M</text></svg>`
