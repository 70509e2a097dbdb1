import { useApp } from './context.tsx'
import type { ClientSummary, Page } from './contract.ts'
import { formatBytes, formatCount, formatDuration, formatVersion } from './format.ts'
import { writePlace } from './location.ts'
import { useResource } from './resource.tsx'
import { Search } from './search.tsx'
import { Empty, Loaded } from './states.tsx'
import { type Column, PAGE_ROWS, Pager, Table } from './table.tsx'

/** How often the list is read again, in milliseconds. */
const REFRESH_MS = 5_000

/** The connected clients. The broker searches, sorts and pages; the URL has what was asked for. */
export const ClientsPage = () => {
  const { place } = useApp()
  const { q, user, address, sort, order, after } = place.settings
  const clients = useResource<Page<ClientSummary>>(
    '/clients',
    { q, user, address, sort, order, after, limit: PAGE_ROWS },
    REFRESH_MS,
  )
  return (
    <>
      <h1>Clients</h1>
      <div class="toolbar">
        <Search name="q" label="Search" hint="a part of identifier, user or address" />
        <Filter name="user" value={user} />
        <Filter name="address" value={address} />
      </div>
      <Loaded resource={clients}>
        {({ items, next, total }) => (
          <>
            <Pager next={next} total={total} shown={items.length} noun="clients" />
            {items.length === 0 ? (
              <NoClients isFiltered={[q, user, address].some((each) => each !== undefined)} />
            ) : (
              <Table
                caption="Connected clients"
                columns={COLUMNS}
                rows={items}
                keyOf={({ id }) => id}
                isStale={clients.isStale}
              />
            )}
          </>
        )}
      </Loaded>
    </>
  )
}

/** A filter that a link set, and the way to remove it. */
const Filter = ({ name, value }: { name: string; value: string | undefined }) => {
  const { place } = useApp()
  if (value === undefined) return null
  const without = writePlace('clients', undefined, { ...place.settings, [name]: '', after: '', page: '' })
  return (
    <a class="filter" href={without}>
      <span class="visually-hidden">Remove the filter </span>
      {name}: {value} <span aria-hidden="true">×</span>
    </a>
  )
}

const NoClients = ({ isFiltered }: { isFiltered: boolean }) =>
  isFiltered ? (
    <Empty title="No connected client matches.">
      <a href={writePlace('clients')}>Show all clients</a>, or search for a shorter part. The{' '}
      <a href={writePlace('sessions')}>away sessions</a> are those of clients that are not connected.
    </Empty>
  ) : (
    <Empty title="No client is connected.">
      Connect one: <code>mosquitto_sub -h HOST -p 1883 -t '#'</code>. The page{' '}
      <a href={writePlace('listeners')}>Listeners</a> has the addresses, and <a href={writePlace('log')}>Log</a> says
      why a client was refused.
    </Empty>
  )

const seconds = (sinceMs: number): number => (Date.now() - sinceMs) / 1000

const COLUMNS: readonly Column<ClientSummary>[] = [
  {
    key: 'id',
    title: 'Client',
    isSortable: true,
    render: ({ id }) => (
      <a class="name" href={writePlace('clients', id)}>
        {id === '' ? '(empty)' : id}
      </a>
    ),
  },
  {
    key: 'userName',
    title: 'User',
    isSortable: true,
    render: ({ userName }) =>
      typeof userName === 'string' ? (
        <a href={writePlace('clients', undefined, { user: userName })}>{userName}</a>
      ) : (
        '–'
      ),
  },
  {
    key: 'address',
    title: 'Address',
    isSortable: true,
    render: ({ address }) =>
      address === '' ? '–' : <a href={writePlace('clients', undefined, { address })}>{address}</a>,
  },
  { key: 'listener', title: 'Listener', render: ({ listener, transport }) => `${listener} (${transport})` },
  { key: 'protocolVersion', title: 'MQTT', render: ({ protocolVersion }) => formatVersion(protocolVersion) },
  {
    key: 'connectedAtMs',
    title: 'Connected for',
    isSortable: true,
    isNumber: true,
    render: ({ connectedAtMs }) => formatDuration(seconds(connectedAtMs)),
  },
  {
    key: 'subscriptions',
    title: 'Subscriptions',
    isSortable: true,
    isNumber: true,
    render: ({ subscriptions }) => formatCount(subscriptions),
  },
  {
    key: 'inflight',
    title: 'In flight',
    isSortable: true,
    isNumber: true,
    render: ({ inflight }) => formatCount(inflight),
  },
  { key: 'waiting', title: 'Waiting', isSortable: true, isNumber: true, render: ({ waiting }) => formatCount(waiting) },
  {
    key: 'pendingBytes',
    title: 'Pending',
    isSortable: true,
    isNumber: true,
    render: ({ pendingBytes }) => formatBytes(pendingBytes),
  },
  {
    key: 'bytesReceived',
    title: 'Received',
    isSortable: true,
    isNumber: true,
    render: ({ bytesReceived }) => formatBytes(bytesReceived),
  },
]
