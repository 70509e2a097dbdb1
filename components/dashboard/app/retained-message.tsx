import { useState } from 'preact/hooks'
import { segment } from './api.ts'
import { useApp } from './context.tsx'
import type { RetainedMessage } from './contract.ts'
import { Confirm } from './dialog.tsx'
import { Fact, Facts } from './facts.tsx'
import { formatDateTime } from './format.ts'
import { PayloadView } from './payload-view.tsx'
import { useResource, useSubmission } from './resource.tsx'
import { Empty, Failure, Loading } from './states.tsx'

/** The retained message of a topic, and its deletion. */
export const RetainedMessageView = ({ topic, onDeleted }: { topic: string; onDeleted: () => void }) => {
  const message = useResource<RetainedMessage>(`/retained/${segment(topic)}`)
  const { data, error, isStale, reload } = message
  const [isAsked, setAsked] = useState(false)
  return (
    <section class="panel" aria-label={`Retained message of ${topic}`}>
      <div class="panel-head">
        <h2 class="name">{topic}</h2>
        <button type="button" onClick={() => setAsked(true)} disabled={data === undefined || isStale}>
          Delete …
        </button>
      </div>
      {error?.status === 404 && <Empty title="This topic has no retained message any more." />}
      {error !== undefined && error.status !== 404 && <Failure message={error.message} onRetry={reload} />}
      {error === undefined && (data === undefined || isStale) && <Loading />}
      {error === undefined && data !== undefined && !isStale && (
        <>
          <Facts label="Message">
            <Fact name="QoS">{data.qos}</Fact>
            <Fact name="Expires">{expiry(data)}</Fact>
          </Facts>
          <PayloadView payload={data.payload} />
        </>
      )}
      {isAsked && <DeleteDialog topic={topic} onClose={() => setAsked(false)} onDeleted={onDeleted} />}
    </section>
  )
}

/** When a message is deleted by itself. */
export const expiry = ({ expiresAtMs }: RetainedMessage): string =>
  expiresAtMs === undefined ? 'never' : formatDateTime(expiresAtMs)

const DeleteDialog = ({ topic, onClose, onDeleted }: { topic: string; onClose: () => void; onDeleted: () => void }) => {
  const { api } = useApp()
  const { isBusy, problem, submit } = useSubmission(() => {
    onClose()
    onDeleted()
  })
  const confirm = () =>
    submit(async () => {
      await api.send('DELETE', `/retained/${segment(topic)}`)
      return `Deleted the retained message of ${topic}.`
    })
  return (
    <Confirm
      title="Delete the retained message?"
      action="Delete 1 message"
      isBusy={isBusy}
      problem={problem}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>
        This deletes <b>1 message</b>, that of <code>{topic}</code>, and touches <b>0 connected clients</b>: they keep
        what they have received. Clients that subscribe later do not get it. It cannot be undone.
      </p>
    </Confirm>
  )
}
