import { Bans } from './bans.tsx'
import type { List, ListenerItem } from './contract.ts'
import { formatCount, formatPlural } from './format.ts'
import { useResource } from './resource.tsx'
import { Badge, Empty, Loaded, type Tone } from './states.tsx'
import { type Column, Table } from './table.tsx'

const REFRESH_MS = 5_000

/** Where clients connect, when certificates end, and which addresses are banned. */
export const ListenersPage = () => {
  const listeners = useResource<List<ListenerItem>>('/listeners', {}, REFRESH_MS)
  return (
    <>
      <h1>Listeners</h1>
      <section class="panel" aria-label="Listeners">
        <Loaded resource={listeners}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="No listener is open.">
                Enable the entry server, tcp, tls or webSocket in the system config.
              </Empty>
            ) : (
              <Table
                caption="Listeners"
                columns={COLUMNS}
                rows={items}
                keyOf={({ name, address }) => `${name} ${address}`}
              />
            )
          }
        </Loaded>
      </section>
      <Bans />
    </>
  )
}

/** A certificate should be renewed when less than 30 days are left; with less than 7 it is urgent. */
const certificateTone = (days: number): Tone => {
  if (days >= 30) return 'good'
  return days >= 7 ? 'waiting' : 'bad'
}

const Certificate = ({ days }: { days: number | null | undefined }) => {
  if (typeof days !== 'number') return <>none</>
  const whole = Math.floor(days)
  const text = whole < 0 ? `expired ${formatPlural(-whole, 'day')} ago` : `${formatPlural(whole, 'day')} left`
  return <Badge tone={certificateTone(days)}>{text}</Badge>
}

const COLUMNS: readonly Column<ListenerItem>[] = [
  { key: 'name', title: 'Name', render: ({ name }) => name },
  { key: 'transport', title: 'Transport', render: ({ transport }) => transport },
  { key: 'address', title: 'Address', render: ({ address }) => <code>{address}</code> },
  {
    key: 'connections',
    title: 'Connections now',
    isNumber: true,
    render: ({ connections }) => formatCount(connections),
  },
  {
    key: 'accepted',
    title: 'Accepted since start',
    isNumber: true,
    render: ({ accepted }) => (accepted === undefined ? '–' : formatCount(accepted)),
  },
  {
    key: 'refused',
    title: 'Refused since start',
    isNumber: true,
    render: ({ refused }) => (refused === undefined ? '–' : formatCount(refused)),
  },
  {
    key: 'certificateDays',
    title: 'Certificate',
    render: ({ certificateDays }) => <Certificate days={certificateDays} />,
  },
]
