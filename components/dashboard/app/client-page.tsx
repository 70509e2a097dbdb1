import { useState } from 'preact/hooks'
import { segment } from './api.ts'
import { BanDialog, DisconnectDialog } from './client-actions.tsx'
import type { ClientDetail } from './contract.ts'
import { Fact, Facts } from './facts.tsx'
import { formatBytes, formatCount, formatDateTime, formatDuration, formatPlural, formatVersion } from './format.ts'
import { writePlace } from './location.ts'
import { useResource } from './resource.tsx'
import { Empty, Failure, Loading } from './states.tsx'
import { Table } from './table.tsx'
import { TracePanel } from './trace-panel.tsx'

const REFRESH_MS = 2_000

/** One connected client: what it is, what it subscribed to, its packets. */
export const ClientPage = ({ id }: { id: string }) => {
  const client = useResource<ClientDetail>(`/clients/${segment(id)}`, {}, REFRESH_MS)
  const { data, error, reload } = client
  return (
    <>
      <p class="crumb">
        <a href={writePlace('clients')}>Clients</a>
      </p>
      <h1 class="name">{id}</h1>
      {error?.status === 404 ? (
        <Empty title="This client is not connected.">
          The page looks again each 2 s. If its session continues, it is among the{' '}
          <a href={writePlace('sessions', undefined, { q: id })}>away sessions</a>.
        </Empty>
      ) : (
        error !== undefined && <Failure message={error.message} onRetry={reload} />
      )}
      {data === undefined ? error === undefined && <Loading /> : <Client client={data} onGone={reload} />}
    </>
  )
}

const Client = ({ client, onGone }: { client: ClientDetail; onGone: () => void }) => {
  const [asked, setAsked] = useState<'disconnect' | 'ban' | undefined>(undefined)
  const close = () => setAsked(undefined)
  const done = () => {
    close()
    onGone()
  }
  return (
    <>
      <div class="toolbar">
        <button type="button" onClick={() => setAsked('disconnect')}>
          Disconnect …
        </button>
        <button type="button" onClick={() => setAsked('ban')} disabled={client.address === ''}>
          Ban its address …
        </button>
      </div>
      {asked === 'disconnect' && <DisconnectDialog client={client} onClose={close} onDone={done} />}
      {asked === 'ban' && <BanDialog client={client} onClose={close} onDone={done} />}
      <ClientFacts client={client} />
      <Subscriptions client={client} />
      <TracePanel clientId={client.id} />
    </>
  )
}

const ClientFacts = ({ client }: { client: ClientDetail }) => {
  const { session } = client
  return (
    <section class="panel" aria-label="Connection and session">
      <Facts label="Connection and session">
        <Fact name="User">{client.userName ?? 'none'}</Fact>
        <Fact name="Address">
          {client.address === '' ? (
            'none'
          ) : (
            <a href={writePlace('clients', undefined, { address: client.address })}>{client.address}</a>
          )}
        </Fact>
        <Fact name="Listener">{`${client.listener} (${client.transport})`}</Fact>
        <Fact name="MQTT version">{formatVersion(client.protocolVersion)}</Fact>
        <Fact name="Connected since">
          {`${formatDateTime(client.connectedAtMs)} (${formatDuration((Date.now() - client.connectedAtMs) / 1000)})`}
        </Fact>
        <Fact name="Keep alive">{client.keepAliveSeconds === 0 ? 'off' : formatDuration(client.keepAliveSeconds)}</Fact>
        <Fact name="Received from it">{`${formatBytes(client.bytesReceived)} since it connected`}</Fact>
        <Fact name="Pending to it">{formatBytes(client.pendingBytes)}</Fact>
        <Fact name="In flight">{`${formatPlural(session.inflight, 'message')} sent and not acknowledged`}</Fact>
        <Fact name="Waiting">{`${formatPlural(session.waiting, 'message')} not sent yet`}</Fact>
        <Fact name="Session expires">
          {session.expiryIntervalSeconds === 0
            ? 'with the connection'
            : afterDisconnect(formatDuration(session.expiryIntervalSeconds))}
        </Fact>
        <Fact name="Will">{session.hasWill ? 'published if the connection is lost' : 'none'}</Fact>
      </Facts>
    </section>
  )
}

const afterDisconnect = (duration: string): string =>
  duration === 'never' ? 'never' : `${duration} after the connection ends`

const Subscriptions = ({ client: { session } }: { client: ClientDetail }) => (
  <section class="panel" aria-labelledby="subscriptions">
    <div class="panel-head">
      <h2 id="subscriptions">Subscriptions</h2>
      <p class="note">{formatCount(session.subscriptions.length)}</p>
    </div>
    {session.subscriptions.length === 0 ? (
      <Empty title="No subscriptions.">
        The client has sent no SUBSCRIBE, or its subscriptions were refused: see the log.
      </Empty>
    ) : (
      <Table
        caption="Subscriptions of the client"
        rows={session.subscriptions}
        keyOf={({ filter }) => filter}
        columns={[
          { key: 'filter', title: 'Topic Filter', render: ({ filter }) => <code>{filter}</code> },
          { key: 'qos', title: 'QoS', isNumber: true, render: ({ qos }) => qos },
        ]}
      />
    )}
  </section>
)
