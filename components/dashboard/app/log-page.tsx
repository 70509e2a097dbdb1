import { useEffect, useRef, useState } from 'preact/hooks'
import { useApp, useLive } from './context.tsx'
import type { LogEntry, Page } from './contract.ts'
import { formatTime } from './format.ts'
import type { KeyedLine } from './live.ts'
import { useAction, useResource } from './resource.tsx'
import { Search } from './search.tsx'
import { Empty, Failure, SCROLLABLE } from './states.tsx'

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

/** The last lines of the log, as they are written. */
export const LogPage = () => {
  const { place, live } = useApp()
  const lines = useLive(({ log }) => log)
  const [kept, setKept] = useState<readonly KeyedLine[] | undefined>(undefined)
  const older = useResource<Page<LogEntry>>('/log', { limit: 1000 })
  const isRead = useRef(false)
  useEffect(() => {
    if (older.data === undefined || isRead.current) return
    isRead.current = true
    live.addOlderLog(older.data.items)
  }, [older.data, live])
  const wanted = (place.settings['q'] ?? '').toLowerCase()
  const shown = (kept ?? lines).filter((line) => wanted === '' || textOf(line).toLowerCase().includes(wanted))
  return (
    <>
      <h1>Log</h1>
      <div class="toolbar">
        <Search name="q" label="Search" hint="a part of a line" />
        <Level />
        <button
          type="button"
          aria-pressed={kept !== undefined}
          onClick={() => setKept(kept === undefined ? lines : undefined)}
        >
          {kept === undefined ? 'Pause' : 'Continue'}
        </button>
        <button type="button" onClick={() => live.clearLog()}>
          Clear this page
        </button>
      </div>
      {older.error !== undefined && <Failure message={older.error.message} onRetry={older.reload} />}
      {shown.length === 0 ? (
        <NoLines isFiltered={wanted !== ''} />
      ) : (
        <Lines lines={shown} isFollowed={kept === undefined} />
      )}
    </>
  )
}

const textOf = ({ level, component, message }: LogEntry): string =>
  [level, component, message].filter(Boolean).join(' ')

const NoLines = ({ isFiltered }: { isFiltered: boolean }) =>
  isFiltered ? (
    <Empty title="No line matches.">Search for a shorter part, or empty the search field.</Empty>
  ) : (
    <Empty title="No lines yet.">A line appears when the broker writes one. With the level debug it writes more.</Empty>
  )

/** Shows the newest line as long as the operator has not scrolled away from the end. */
const Lines = ({ lines, isFollowed }: { lines: readonly KeyedLine[]; isFollowed: boolean }) => {
  const list = useRef<HTMLOListElement>(null)
  const isAtEnd = useRef(true)
  useEffect(() => {
    const element = list.current
    if (element !== null && isFollowed && isAtEnd.current) element.scrollTop = element.scrollHeight
  }, [lines, isFollowed])
  const scrolled = () => {
    const { scrollTop, scrollHeight, clientHeight } = list.current!
    isAtEnd.current = scrollHeight - scrollTop - clientHeight < 32
  }
  return (
    <section class="log" aria-label="Lines of the log, the newest last">
      <ol class="lines" ref={list} onScroll={scrolled} {...SCROLLABLE}>
        {lines.map((line) => (
          <li key={line.key} class={`line line-${line.level}`}>
            <time>{formatTime(line.timeMs)}</time>
            <span class="line-level">{line.level}</span>
            <span class="line-text">
              {typeof line.component === 'string' && <b>{line.component} </b>}
              {line.message}
            </span>
          </li>
        ))}
      </ol>
    </section>
  )
}

/** The level of the broker itself: it changes what all readers of the log get. */
const Level = () => {
  const { api } = useApp()
  const level = useResource<{ readonly level: string }>('/log/level')
  const [isBusy, run] = useAction()
  const change = (value: string) =>
    run(async () => {
      await api.send('PUT', '/log/level', { level: value })
      level.reload()
      return `The broker logs lines of the level ${value} and above.`
    })
  return (
    <label class="field">
      <span>Level of the broker</span>
      <select
        value={level.data?.level ?? ''}
        disabled={isBusy || level.data === undefined}
        onChange={(event) => change(event.currentTarget.value)}
      >
        {LEVELS.map((each) => (
          <option key={each} value={each}>
            {each}
          </option>
        ))}
      </select>
    </label>
  )
}
