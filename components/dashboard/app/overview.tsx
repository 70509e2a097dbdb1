import { Chart } from './chart.tsx'
import { useLive } from './context.tsx'
import type { ComponentItem, List } from './contract.ts'
import { formatBytes, formatCount, formatMilliseconds, formatRate } from './format.ts'
import { type Resource, useResource } from './resource.tsx'
import { Badge, Empty, Loaded, Loading, toneOf } from './states.tsx'
import { Table } from './table.tsx'
import { Wiring } from './wiring.tsx'

/** How often states are read, in milliseconds. */
const REFRESH_MS = 2_000

export const OverviewPage = () => {
  const components = useResource<List<ComponentItem>>('/components', {}, REFRESH_MS)
  return (
    <>
      <h1>Overview</h1>
      <Tiles />
      <Wiring />
      <Charts />
      <Components components={components} />
    </>
  )
}

/** Everything that an operator looks at first, as numbers. */
const Tiles = () => {
  const overview = useLive((live) => live.overview)
  const last = useLive(({ history }) => history.last)
  if (overview === undefined) return <Loading />
  const rate = (value: number | undefined, format = formatRate): string => (value === undefined ? '–' : format(value))
  return (
    <section aria-label="Numbers">
      <dl class="tiles">
        <Tile name="Clients" value={formatCount(overview.clients)} note="connected now" />
        <Tile name="Sessions" value={formatCount(overview.sessions)} note="connected or away" />
        <Tile name="Subscriptions" value={formatCount(overview.subscriptions)} note="of all sessions" />
        <Tile name="Retained" value={formatCount(overview.retained)} note="messages" />
        <Tile name="Messages in" value={rate(last?.messagesIn)} note="last 1 s" />
        <Tile name="Messages out" value={rate(last?.messagesOut)} note="last 1 s" />
        <Tile name="Dropped" value={rate(last?.dropped)} note="messages, last 1 s" isBad={(last?.dropped ?? 0) > 0} />
        <Tile
          name="Refused"
          value={rate(last?.refused)}
          note="connections and clients, last 1 s"
          isBad={(last?.refused ?? 0) > 0}
        />
        <Tile
          name="Event-loop delay"
          value={formatMilliseconds(overview.eventLoop.p99Ms)}
          note={`p99; p50 ${formatMilliseconds(overview.eventLoop.p50Ms)}, max ${formatMilliseconds(overview.eventLoop.maxMs)}`}
        />
        <Tile
          name="Memory"
          value={formatBytes(overview.memory.rssBytes)}
          note={`of the process; heap ${formatBytes(overview.memory.heapUsedBytes)}`}
        />
      </dl>
    </section>
  )
}

const Tile = ({ name, value, note, isBad = false }: { name: string; value: string; note: string; isBad?: boolean }) => (
  <div class="tile">
    <dt>{name}</dt>
    <dd>
      <span class={isBad ? 'tile-value bad' : 'tile-value'}>{value}</span>
      <span class="tile-note">{note}</span>
    </dd>
  </div>
)

const Charts = () => (
  <section aria-label="Charts" class="charts">
    <Chart
      title="Messages"
      format={formatRate}
      series={[
        { name: 'in', read: ({ messagesIn }) => messagesIn },
        { name: 'out', read: ({ messagesOut }) => messagesOut },
      ]}
    />
    <Chart
      title="Bytes"
      isBinary
      format={(value) => `${formatBytes(value)}/s`}
      series={[
        { name: 'in', read: ({ bytesIn }) => bytesIn },
        { name: 'out', read: ({ bytesOut }) => bytesOut },
      ]}
    />
    <Chart
      title="Dropped and refused"
      format={formatRate}
      series={[
        { name: 'messages', read: ({ dropped }) => dropped },
        { name: 'clients', read: ({ refused }) => refused },
      ]}
    />
    <Chart
      title="Event-loop delay"
      format={formatMilliseconds}
      series={[
        { name: 'p99', read: ({ eventLoopP99Ms }) => eventLoopP99Ms },
        { name: 'max', read: ({ eventLoopMaxMs }) => eventLoopMaxMs },
      ]}
    />
    <Chart title="Clients" format={formatCount} series={[{ name: 'connected', read: ({ clients }) => clients }]} />
    <Chart
      title="Memory"
      isBinary
      format={formatBytes}
      series={[
        { name: 'process', read: ({ rssBytes }) => rssBytes },
        { name: 'heap', read: ({ heapUsedBytes }) => heapUsedBytes },
      ]}
    />
  </section>
)

const Components = ({ components }: { components: Resource<List<ComponentItem>> }) => (
  <section class="panel" aria-labelledby="components">
    <div class="panel-head">
      <h2 id="components">Components</h2>
    </div>
    <Loaded resource={components}>
      {({ items }) =>
        items.length === 0 ? (
          <Empty title="The broker reports no components." />
        ) : (
          <Table caption="Components with their states" columns={COLUMNS} rows={items} keyOf={({ name }) => name} />
        )
      }
    </Loaded>
  </section>
)

const COLUMNS = [
  { key: 'name', title: 'Name', render: ({ name }: ComponentItem) => name },
  { key: 'kind', title: 'Kind', render: ({ kind }: ComponentItem) => kind },
  {
    key: 'state',
    title: 'State',
    render: (item: ComponentItem) => <Badge tone={toneOf(item)}>{componentState(item)}</Badge>,
  },
  { key: 'description', title: 'Config', render: ({ description }: ComponentItem) => description ?? '' },
  {
    key: 'startMs',
    title: 'Start',
    isNumber: true,
    render: ({ startMs }: ComponentItem) => (typeof startMs === 'number' ? formatMilliseconds(startMs) : ''),
  },
]

const componentState = ({ state, unready, blockedBy, error }: ComponentItem): string => {
  if (typeof unready === 'string' && unready !== '') return `unready: ${unready}`
  if (state === 'blocked' && blockedBy.length > 0) return `blocked by ${blockedBy.join(', ')}`
  return typeof error === 'string' ? `${state}: ${error}` : state
}
