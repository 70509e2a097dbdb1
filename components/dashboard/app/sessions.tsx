import { useState } from 'preact/hooks'
import { useApp } from './context.tsx'
import type { Page, SessionSummary } from './contract.ts'
import { formatCount, formatDuration } from './format.ts'
import { writePlace } from './location.ts'
import { useResource } from './resource.tsx'
import { Search } from './search.tsx'
import { EndSessionDialog } from './session-actions.tsx'
import { Empty, Loaded } from './states.tsx'
import { type Column, PAGE_ROWS, Pager, Table } from './table.tsx'

/** How often the list is read again, in milliseconds. */
const REFRESH_MS = 5_000

/** The sessions whose clients are not connected, with what waits for them. The broker searches and pages. */
export const SessionsPage = () => {
  const { place } = useApp()
  const { q, after } = place.settings
  const sessions = useResource<Page<SessionSummary>>(
    '/sessions',
    { q, after, connected: 'false', limit: PAGE_ROWS },
    REFRESH_MS,
  )
  const [ending, setEnding] = useState<string | undefined>(undefined)
  const ended = () => {
    setEnding(undefined)
    sessions.reload()
  }
  return (
    <>
      <h1>Away sessions</h1>
      <div class="toolbar">
        <Search name="q" label="Search" hint="a part of identifier or user" />
      </div>
      <Loaded resource={sessions}>
        {({ items, next, total }) => (
          <>
            <Pager next={next} total={total} shown={items.length} noun="away sessions" />
            {items.length === 0 ? (
              <NoSessions isFiltered={q !== undefined} />
            ) : (
              <Table
                caption="Sessions whose clients are not connected"
                columns={[...COLUMNS, actionColumn(setEnding)]}
                rows={items}
                keyOf={({ id }) => id}
                isStale={sessions.isStale}
              />
            )}
          </>
        )}
      </Loaded>
      {ending !== undefined && <EndSessionDialog id={ending} onClose={() => setEnding(undefined)} onDone={ended} />}
    </>
  )
}

const NoSessions = ({ isFiltered }: { isFiltered: boolean }) =>
  isFiltered ? (
    <Empty title="No away session matches.">
      <a href={writePlace('sessions')}>Show all away sessions</a>, or search for a shorter part. The session of a
      connected client is on the page of the <a href={writePlace('clients')}>client</a>.
    </Empty>
  ) : (
    <Empty title="No session is without a client.">
      A session is kept for a client that connects with a Session Expiry Interval (MQTT 5), or without Clean Session
      (MQTT 3): <code>mosquitto_sub -c -i kitchen -q 1 -t '#'</code>
    </Empty>
  )

const awaySeconds = ({ disconnectedAtMs }: SessionSummary): number =>
  disconnectedAtMs === undefined ? 0 : (Date.now() - disconnectedAtMs) / 1000

const endsIn = (session: SessionSummary): string => {
  const never = formatDuration(session.expiryIntervalSeconds)
  return never === 'never' ? never : formatDuration(session.expiryIntervalSeconds - awaySeconds(session))
}

const COLUMNS: readonly Column<SessionSummary>[] = [
  { key: 'id', title: 'Client', render: ({ id }) => <span class="name">{id}</span> },
  {
    key: 'userName',
    title: 'User',
    render: ({ userName }) => userName ?? '–',
  },
  {
    key: 'away',
    title: 'Away for',
    isNumber: true,
    render: (session) => (session.disconnectedAtMs === undefined ? '–' : formatDuration(awaySeconds(session))),
  },
  { key: 'ends', title: 'Ends in', isNumber: true, render: endsIn },
  {
    key: 'subscriptions',
    title: 'Subscriptions',
    isNumber: true,
    render: ({ subscriptions }) => formatCount(subscriptions),
  },
  { key: 'inflight', title: 'In flight', isNumber: true, render: ({ inflight }) => formatCount(inflight) },
  { key: 'waiting', title: 'Waiting', isNumber: true, render: ({ waiting }) => formatCount(waiting) },
  { key: 'will', title: 'Will', render: ({ hasWill }) => (hasWill ? 'waits' : 'none') },
]

const actionColumn = (onEnd: (id: string) => void): Column<SessionSummary> => ({
  key: 'end',
  title: 'Action',
  render: ({ id }) => (
    <button type="button" onClick={() => onEnd(id)} aria-label={`Delete session of ${id}`}>
      Delete …
    </button>
  ),
})
