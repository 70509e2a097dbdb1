import type { RefObject } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { PlannedConnections, PlannedPart, ResetPlan } from './contract.ts'
import { formatCount, formatTime } from './format.ts'
import { ReloadDialog } from './reload-dialog.tsx'
import { changesOf, isSamePlan, keptOf, planSentence } from './reset-plan.ts'
import { Badge, Empty } from './states.tsx'
import { type Column, Table } from './table.tsx'
import { type Reset, type ResetStep, reloadSentence } from './use-reset.ts'
import { VerdictBadge } from './verdict-mark.tsx'

interface PlanBarProps {
  readonly reset: Reset
  /** Gets the focus when the bar goes. */
  readonly focusAfter: RefObject<HTMLButtonElement | null>
}

/**
 * What a reload would do or has done, in a sentence, and the way to do it. A plan that the broker will refuse cannot be applied from here.
 * The status is always there, for screen readers.
 */
export const PlanBar = ({ reset, focusAfter }: PlanBarProps) => {
  const [asked, setAsked] = useState<{ readonly plan: ResetPlan; readonly isOther: boolean } | undefined>(undefined)
  const { step, isBusy } = reset
  const refusals = step.name === 'planned' ? step.plan.refusals : []
  // The plan may be old: what the dialog says is read again.
  const ask = async (shown: ResetPlan) => {
    const plan = await reset.plan()
    if (plan === undefined) return
    // The button that was pressed goes.
    if (plan.refusals.length > 0) focusAfter.current?.focus()
    else setAsked({ plan, isOther: !isSamePlan(plan, shown) })
  }
  // The dialog goes first: nothing outside it can have the focus, and a failure has an overlay of its own.
  const confirm = (plan: ResetPlan) => {
    setAsked(undefined)
    void reset.reload(plan)
  }
  const isDone = asked === undefined && step.name === 'reloaded'
  useEffect(() => {
    if (isDone) focusAfter.current?.focus()
  }, [isDone])
  const hide = () => {
    reset.hide()
    focusAfter.current?.focus()
  }
  return (
    <div class={step.name === 'none' ? undefined : 'plan-bar'}>
      <div role="status">
        <StepText step={step} isBusy={isBusy} />
      </div>
      <Refusals refusals={refusals} />
      {step.name !== 'none' && (
        <div class="buttons">
          {step.name === 'planned' && refusals.length === 0 && (
            <button type="button" aria-busy={isBusy} onClick={() => void ask(step.plan)}>
              Reload …
            </button>
          )}
          <button type="button" class="quiet" onClick={hide}>
            {step.name === 'planned' ? 'Hide the plan' : 'Hide'}
          </button>
        </div>
      )}
      {asked !== undefined && (
        <ReloadDialog
          plan={asked.plan}
          isOther={asked.isOther}
          onConfirm={() => confirm(asked.plan)}
          onClose={() => setAsked(undefined)}
        />
      )}
    </div>
  )
}

/** Why the broker will refuse a plan, if it will. */
const Refusals = ({ refusals }: { refusals: readonly string[] }) => {
  if (refusals.length === 0) return null
  return (
    <div class="plan-refusals bad" role="alert">
      <p>
        <b>The broker will refuse this reload:</b>
      </p>
      <ul>
        {refusals.map((refusal) => (
          <li key={refusal}>{refusal}</li>
        ))}
      </ul>
    </div>
  )
}

const StepText = ({ step, isBusy }: { step: ResetStep; isBusy: boolean }) => {
  if (step.name === 'unavailable') return <Empty title="There is no plan.">{step.why}</Empty>
  if (step.name === 'reloaded') {
    const { plan } = step.reload
    return (
      <>
        <p>
          <b>{reloadSentence(step.reload)}</b>
        </p>
        {plan !== undefined && !isSamePlan(plan, step.planned) && (
          <p>It did other changes than the plan had: the config was changed between.</p>
        )}
      </>
    )
  }
  if (step.name !== 'planned') return null
  return (
    <>
      <p>
        <b>{planSentence(step.plan)}</b>
      </p>
      <p class="note">
        {isBusy ? 'Waiting for the broker …' : `Read at ${formatTime(step.atMs)}. Nothing is applied yet.`}
      </p>
    </>
  )
}

/** Components with verdicts and reasons, and what becomes of connections. */
export const PlanLists = ({ step }: { step: ResetStep }) => {
  const plan = step.name === 'planned' ? step.plan : step.name === 'reloaded' ? step.reload.plan : undefined
  const items = step.name === 'reloaded' ? step.reload.items : []
  const files = items.filter(({ change, error }) => change !== undefined || error !== undefined)
  if (plan === undefined && files.length === 0) return null
  return (
    <div class="plan-lists">
      {plan !== undefined && <Parts plan={plan} isDone={step.name === 'reloaded'} />}
      {files.length > 0 && (
        <section aria-labelledby="plan-files">
          <h3 id="plan-files">Files that were read again</h3>
          <ul class="plan-files">
            {files.map(({ name, change, error }) => (
              <li key={name}>
                <Badge tone={error === undefined ? 'good' : 'bad'}>{name}</Badge>: {error ?? change}
                {error !== undefined && '. It continues with what it had.'}
              </li>
            ))}
          </ul>
        </section>
      )}
      {plan !== undefined && plan.connections.length > 0 && (
        <section aria-labelledby="plan-connections">
          <h3 id="plan-connections">Connections</h3>
          <Table
            caption="What becomes of the connections of each listener"
            columns={CONNECTION_COLUMNS}
            rows={plan.connections}
            keyOf={({ listener }) => listener}
          />
        </section>
      )}
    </div>
  )
}

const Parts = ({ plan, isDone }: { plan: ResetPlan; isDone: boolean }) => {
  const changes = changesOf(plan)
  const kept = keptOf(plan)
  return (
    <section aria-labelledby="plan-parts">
      <h3 id="plan-parts">{isDone ? 'What was done' : 'What would be done'}</h3>
      {changes.length > 0 && (
        <Table
          caption="Components that change, with reasons"
          columns={PART_COLUMNS}
          rows={changes}
          keyOf={({ name }) => name}
        />
      )}
      {kept.length > 0 && (
        <p class="plan-kept">
          <VerdictBadge verdict="keep" />: {kept.map(({ name }) => name).join(', ')}
        </p>
      )}
    </section>
  )
}

const PART_COLUMNS: readonly Column<PlannedPart>[] = [
  { key: 'name', title: 'Component', render: ({ name }) => name },
  { key: 'verdict', title: 'Verdict', render: ({ verdict }) => <VerdictBadge verdict={verdict} /> },
  { key: 'reasons', title: 'Reasons', render: ({ reasons }) => reasons.join('; ') },
]

const CONNECTION_COLUMNS: readonly Column<PlannedConnections>[] = [
  { key: 'listener', title: 'Listener', render: ({ listener }) => listener },
  {
    key: 'untouched',
    title: 'Not touched',
    isNumber: true,
    render: ({ keptUntouched }) => formatCount(keptUntouched),
  },
  { key: 'kept', title: 'Kept, new pipeline', isNumber: true, render: ({ repiped }) => formatCount(repiped) },
  {
    key: 'closed',
    title: 'Closed',
    isNumber: true,
    render: ({ closed }) => <span class={closed > 0 ? 'bad' : undefined}>{formatCount(closed)}</span>,
  },
]
