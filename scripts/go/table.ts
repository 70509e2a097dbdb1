/** Tables and colours for the terminal. */

import { inspect } from 'node:util'

/** The styles of a text in a terminal. */
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** The text in a column of a row; empty if there is none. */
export type Cell = string | { readonly text: string; readonly style: Style }

/** A longer text is cut, so that the columns behind it stay on the screen. */
const longestCell = 60

/** The text in a style, or unchanged without colours. */
export const painted = (text: string, style: Style, colors: boolean): string => {
  const [on, off] = inspect.colors[style] ?? []
  return colors && text !== '' && on !== undefined ? `\u001b[${on}m${text}\u001b[${off}m` : text
}

/**
 * Columns of equal width, two spaces apart. Empty columns are omitted.
 * @param heads the names of the columns, in bold; none for a table without.
 * @param longest the maximum letters of a text. Longer texts are cut.
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
