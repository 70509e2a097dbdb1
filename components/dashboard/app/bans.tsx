import { segment } from './api.ts'
import { useApp } from './context.tsx'
import type { Ban, Page } from './contract.ts'
import { formatDateTime, formatDuration } from './format.ts'
import { useAction, useResource } from './resource.tsx'
import { Empty, Loaded } from './states.tsx'
import { Table } from './table.tsx'

const REFRESH_MS = 5_000

/** The addresses from which no connections are taken. */
export const Bans = () => {
  const { api } = useApp()
  const bans = useResource<Page<Ban>>('/bans', { limit: 1000 }, REFRESH_MS)
  const [isBusy, run] = useAction()
  const end = (address: string) =>
    run(async () => {
      await api.send('DELETE', `/bans/${segment(address)}`)
      bans.reload()
      return `Ended the ban of ${address}.`
    })
  return (
    <section class="panel" aria-labelledby="bans">
      <div class="panel-head">
        <h2 id="bans">Banned addresses</h2>
      </div>
      <Loaded resource={bans}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No address is banned.">
              The broker bans an address after failed authentications. To ban one yourself, open a client and choose
              “Ban its address”.
            </Empty>
          ) : (
            <Table
              caption="Banned addresses"
              rows={items}
              keyOf={({ address }) => address}
              columns={[
                { key: 'address', title: 'Address', render: ({ address }) => <code>{address}</code> },
                {
                  key: 'untilMs',
                  title: 'Until',
                  render: ({ untilMs }) =>
                    `${formatDateTime(untilMs)} (${formatDuration((untilMs - Date.now()) / 1000)} left)`,
                },
                {
                  key: 'by',
                  title: 'Reason',
                  render: ({ byOperator }) => (byOperator ? 'an operator' : 'failed authentications'),
                },
                {
                  key: 'end',
                  title: 'Action',
                  render: ({ address }) => (
                    <button
                      type="button"
                      disabled={isBusy}
                      onClick={() => end(address)}
                      aria-label={`End ban of ${address}`}
                    >
                      End ban
                    </button>
                  ),
                },
              ]}
            />
          )
        }
      </Loaded>
    </section>
  )
}
