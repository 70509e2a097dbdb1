import type { ComponentChildren } from 'preact'
import { useRef } from 'preact/hooks'
import { useApp } from './context.tsx'
import { formatCount } from './format.ts'
import { writePlace } from './location.ts'

export interface Column<T> {
  /** What the API sorts by. */
  readonly key: string
  readonly title: string
  /** Whether the API can sort by it. */
  readonly isSortable?: boolean
  /** Numbers are aligned at their last digit. */
  readonly isNumber?: boolean
  readonly render: (row: T) => ComponentChildren
}

interface TableProps<T> {
  /** What the table shows, for a screen reader. */
  readonly caption: string
  readonly columns: readonly Column<T>[]
  readonly rows: readonly T[]
  readonly keyOf: (row: T) => string
  /** Whether newer rows are awaited. */
  readonly isStale?: boolean
}

/** A table whose rows are sorted and paged by the broker. On a narrow screen each row is a block, and each cell has its title. */
export const Table = <T,>({ caption, columns, rows, keyOf, isStale = false }: TableProps<T>) => (
  <table aria-busy={isStale}>
    <caption class="visually-hidden">{caption}</caption>
    <thead>
      <tr>
        {columns.map((column) => (
          <Heading key={column.key} column={column} />
        ))}
      </tr>
    </thead>
    <tbody>
      {rows.map((row) => (
        <tr key={keyOf(row)}>
          {columns.map(({ key, title, isNumber, render }) => (
            <td key={key} data-title={title} class={isNumber === true ? 'number' : undefined}>
              <span class="cell">{render(row)}</span>
            </td>
          ))}
        </tr>
      ))}
    </tbody>
  </table>
)

const Heading = <T,>({ column }: { column: Column<T> }) => {
  const { place } = useApp()
  const { key, title, isSortable, isNumber } = column
  const className = isNumber === true ? 'number' : undefined
  if (isSortable !== true) {
    return (
      <th scope="col" class={className}>
        {title}
      </th>
    )
  }
  const { sort, order } = place.settings
  const isUsed = sort === key
  const isDescending = isUsed && order === 'desc'
  const settings = {
    ...place.settings,
    sort: key,
    order: isUsed && !isDescending ? 'desc' : 'asc',
    after: '',
    page: '',
  }
  const direction = isDescending ? 'descending' : 'ascending'
  return (
    <th scope="col" class={className} aria-sort={isUsed ? direction : 'none'}>
      <a href={writePlace(place.page, place.item, settings)}>
        {title}
        <span aria-hidden="true" class="sort-mark">
          {isUsed && (isDescending ? '↓' : '↑')}
        </span>
      </a>
    </th>
  )
}

/** Rows of a page. */
export const PAGE_ROWS = 100

/** The way to the other pages of a list, and how many rows there are. Cursors lead forward only: the way back is remembered. */
export const Pager = ({
  next,
  total,
  shown,
  noun,
}: {
  next: string | null
  total: number
  shown: number
  noun: string
}) => {
  const { place } = useApp()
  const before = useRef<Record<string, string>>({})
  const { after = '', page = '1' } = place.settings
  const number = Math.max(1, Number.parseInt(page, 10) || 1)
  const link = (cursor: string, to: number) =>
    writePlace(place.page, place.item, { ...place.settings, after: cursor, page: to > 1 ? `${to}` : '' })
  if (next !== null) before.current[next] = after
  const previous = before.current[after]
  const first = (number - 1) * PAGE_ROWS + 1
  return (
    <nav class="pager" aria-label="Pages">
      <p role="status">
        {shown === 0
          ? `No ${noun}`
          : `${formatCount(first)}–${formatCount(first + shown - 1)} of ${formatCount(total)} ${noun}`}
      </p>
      {after !== '' && <a href={link('', 1)}>First page</a>}
      {after !== '' && previous !== undefined && previous !== '' && <a href={link(previous, number - 1)}>Previous</a>}
      {next !== null && <a href={link(next, number + 1)}>Next</a>}
    </nav>
  )
}
