import { useState } from 'preact/hooks'
import { segment } from './api.ts'
import { useApp } from './context.tsx'
import type { ClientSummary, Page } from './contract.ts'
import { Confirm } from './dialog.tsx'
import { formatPlural } from './format.ts'
import { useResource, useSubmission } from './resource.tsx'

interface ActionProps {
  readonly client: ClientSummary
  onClose(): void
  onDone(): void
}

export const DisconnectDialog = ({ client, onClose, onDone }: ActionProps) => {
  const { api } = useApp()
  const { isBusy, problem, submit } = useSubmission(onDone)
  const confirm = () =>
    submit(async () => {
      await api.send('DELETE', `/clients/${segment(client.id)}`)
      return `Disconnected ${client.id}.`
    })
  return (
    <Confirm
      title={`Disconnect ${client.id}?`}
      action="Disconnect 1 client"
      isBusy={isBusy}
      problem={problem}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>
        This touches <b>1 client</b>. Its session continues, its Will is published, and the client may connect again at
        once.
      </p>
    </Confirm>
  )
}

const BAN_TIMES = [
  ['600', '10 minutes'],
  ['3600', '1 hour'],
  ['86400', '1 day'],
  ['604800', '7 days'],
] as const

/** A ban is for an address: all clients that come from it are touched. */
export const BanDialog = ({ client, onClose, onDone }: ActionProps) => {
  const { api } = useApp()
  const { isBusy, problem, submit } = useSubmission(onDone)
  const [seconds, setSeconds] = useState('600')
  const touched = useResource<Page<ClientSummary>>('/clients', { address: client.address, limit: 1 })
  const total = touched.data?.total
  const confirm = () =>
    submit(async () => {
      await api.send('POST', `/clients/${segment(client.id)}/ban`, { seconds: Number(seconds) })
      return `Banned ${client.address} and disconnected ${client.id}.`
    })
  return (
    <Confirm
      title={`Ban ${client.address}?`}
      action="Ban the address"
      isBusy={isBusy || (total === undefined && touched.error === undefined)}
      problem={problem}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>
        <b>1 client</b>, {client.id}, is disconnected. The broker takes no new connection from {client.address}:{' '}
        {touched.error === undefined ? (
          <b>
            {total === undefined
              ? 'counting the clients …'
              : `${formatPlural(total, 'client')} ${total === 1 ? 'is' : 'are'} connected from there now`}
          </b>
        ) : (
          'how many clients are connected from there is not known'
        )}
        . The others stay connected until their connections end.
      </p>
      <label class="field">
        <span>For</span>
        <select value={seconds} onChange={(event) => setSeconds(event.currentTarget.value)}>
          {BAN_TIMES.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      </label>
    </Confirm>
  )
}
