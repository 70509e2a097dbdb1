import type { ResetPlan } from './contract.ts'
import { Confirm } from './dialog.tsx'
import { formatCount, formatPlural } from './format.ts'
import { changesOf, touchedClients } from './reset-plan.ts'

interface ReloadDialogProps {
  readonly plan: ResetPlan
  /** Whether it differs from the plan that was on the page. */
  readonly isOther: boolean
  onConfirm(): void
  onClose(): void
}

/** Asks before a plan is applied. A failure is told by the error overlay, which has room for it. */
export const ReloadDialog = ({ plan, isOther, onConfirm, onClose }: ReloadDialogProps) => {
  const changes = changesOf(plan)
  const { untouched, kept, closed } = touchedClients(plan)
  const action = changes.length === 0 ? 'Read the files again' : `Change ${formatPlural(changes.length, 'component')}`
  return (
    <Confirm
      title="Reload the config?"
      action={action}
      isBusy={false}
      problem={undefined}
      onConfirm={onConfirm}
      onClose={onClose}
    >
      {isOther && <p>The plan is another one than before: the config was changed meanwhile. This is the new one.</p>}
      <p>
        This touches <b>{formatPlural(kept + closed, 'client')}</b>: {formatCount(kept)} stay connected, with new
        pipelines, and <b class={closed > 0 ? 'bad' : undefined}>{formatPlural(closed, 'client')}</b>{' '}
        {closed === 1 ? 'is' : 'are'} disconnected. {formatPlural(untouched, 'client')} {untouched === 1 ? 'is' : 'are'}{' '}
        not touched.
      </p>
      <p>
        {changes.length === 0
          ? 'No component changes.'
          : changes.map(({ name, verdict }) => `${verdict} ${name}`).join(', ')}
      </p>
      <p class="note">If a step fails, all steps are undone and the broker continues as before.</p>
    </Confirm>
  )
}
