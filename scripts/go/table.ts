/** Tables and colours for the terminal. */

import { inspect } from 'node:util'

/** How a text stands out in a terminal. */
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** What stands in a column of a row; an empty text where nothing does. */
export type Cell = string | { readonly text: string; readonly style: Style }

/** A longer text is cut: the columns behind it must not leave the screen. */
const longestCell = 60

/** The text in a style, or as it is where there are no colours. */
export const painted = (text: string, style: Style, colors: boolean): string => {
  const [on, off] = inspect.colors[style] ?? []
  return colors && text !== '' && on !== undefined ? `\u001b[${on}m${text}\u001b[${off}m` : text
}

/**
 * Columns of equal width, two spaces apart. Columns in which nothing stands are left out.
 * @param heads the names of the columns, in bold; none for a table without.
 * @param longest letters of a text, before it is cut.
 * @returns the lines.
 */
export const table = (
  rows: readonly (readonly Cell[])[],
  colors: boolean,
  heads?: readonly string[],
  longest = longestCell,
): string[] => {
  const shown = (cell: Cell | undefined): string => cut(textOf(cell), longest)
  const named = heads === undefined ? rows : [heads.map((text): Cell => ({ text, style: 'bold' })), ...rows]
  const widths = (rows[0] ?? []).map((_, column) => {
    const filled = rows.some((row) => textOf(row[column]) !== '')
    return filled ? Math.max(...named.map((row) => shown(row[column]).length)) : undefined
  })
  return named.map((row) => {
    const cells = row.flatMap((cell, column) => {
      const width = widths[column]
      if (width === undefined) return []
      const padding = ' '.repeat(width - shown(cell).length)
      return typeof cell === 'string' ? shown(cell) + padding : painted(shown(cell), cell.style, colors) + padding
    })
    return cells.join('  ').trimEnd()
  })
}

const textOf = (cell: Cell | undefined): string => (typeof cell === 'object' ? cell.text : (cell ?? ''))

/** The text, cut to so many letters. */
export const cut = (text: string, most: number): string => {
  if (text.length <= most) return text
  return `${[...text.slice(0, most * 2)].slice(0, most - 1).join('')}…`
}
