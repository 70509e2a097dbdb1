import { segment } from './api.ts'
import { useApp } from './context.tsx'
import type { SessionDetail } from './contract.ts'
import { Confirm } from './dialog.tsx'
import { formatPlural } from './format.ts'
import { useResource, useSubmission } from './resource.tsx'
import { Failure, Loading } from './states.tsx'

/** How often the dialog looks what the session has, in milliseconds: more messages may come while it is open. */
const REFRESH_MS = 2_000

/** Asks before a session is deleted, and says what is lost with it. */
export const EndSessionDialog = ({ id, onClose, onDone }: { id: string; onClose: () => void; onDone: () => void }) => {
  const { api } = useApp()
  const session = useResource<SessionDetail>(`/sessions/${segment(id)}`, {}, REFRESH_MS)
  const { isBusy, problem, submit } = useSubmission(onDone)
  const { data, error } = session
  const confirm = () =>
    submit(async () => {
      await api.send('DELETE', `/sessions/${segment(id)}`)
      return `Deleted the session of ${id}.`
    })
  return (
    <Confirm
      title={`Delete the session of ${id}?`}
      action="Delete 1 session"
      isBusy={isBusy || data === undefined || error !== undefined}
      problem={problem}
      onConfirm={confirm}
      onClose={onClose}
    >
      {error !== undefined && <Failure message={error.message} onRetry={session.reload} />}
      {error === undefined && (data === undefined ? <Loading /> : <Losses session={data} />)}
    </Confirm>
  )
}

const Losses = ({ session }: { session: SessionDetail }) => {
  const { waiting, inflight, subscriptions, connected, hasWill } = session
  return (
    <>
      <p>
        This deletes <b>1 session</b> with <b>{formatPlural(waiting + inflight, 'queued message')}</b> and{' '}
        {formatPlural(subscriptions.length, 'subscription')}. The client does not get these messages any more. It cannot
        be undone.
      </p>
      <p>
        {connected ? (
          <>
            The client has connected meanwhile: <b>1 client</b> is disconnected.
          </>
        ) : (
          <>
            It touches <b>0 connected clients</b>.
          </>
        )}
        {hasWill && ' Its Will is published now.'}
      </p>
    </>
  )
}
