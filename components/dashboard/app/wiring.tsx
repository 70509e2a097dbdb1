import { useRef } from 'preact/hooks'
import { useApp, useLive } from './context.tsx'
import type { Graph, ResetPlan } from './contract.ts'
import { Diagram, kindText, stateText } from './diagram.tsx'
import { ErrorOverlay } from './error-overlay.tsx'
import { Fact, Facts } from './facts.tsx'
import { writePlace } from './location.ts'
import { PlanBar, PlanLists } from './plan-panel.tsx'
import { plannedText, withPlan } from './reset-plan.ts'
import { useResource } from './resource.tsx'
import { Badge, Loaded, toneOf } from './states.tsx'
import { useReset } from './use-reset.ts'

/** How often the wiring is read, in milliseconds. */
const REFRESH_MS = 2_000

/** The picture of the running system, and what a reload would do to it. */
export const Wiring = () => {
  const graph = useResource<Graph>('/graph', {}, REFRESH_MS)
  const reset = useReset()
  const planButton = useRef<HTMLButtonElement>(null)
  const { step, failure } = reset
  const dismiss = () => {
    reset.dismiss()
    // What opened the overlay may be gone with the plan.
    setTimeout(() => document.activeElement === document.body && planButton.current?.focus())
  }
  return (
    <section class="panel" aria-labelledby="wiring">
      <div class="panel-head">
        <h2 id="wiring">Wiring</h2>
        <p class="note">Arrows lead to what a component depends on. Rates: last 1 s.</p>
        <Toggles />
        <button type="button" ref={planButton} aria-busy={reset.isBusy} onClick={() => void reset.plan()}>
          {step.name === 'planned' ? 'Plan again' : 'Plan'}
        </button>
      </div>
      <PlanBar reset={reset} focusAfter={planButton} />
      <Loaded resource={graph}>
        {(data) => <Picture data={data} plan={step.name === 'planned' ? step.plan : undefined} />}
      </Loaded>
      <PlanLists step={step} />
      {failure !== undefined && <ErrorOverlay title={failure.title} text={failure.text} onClose={dismiss} />}
    </section>
  )
}

/** What the diagram has. */
const Toggles = () => {
  const { place } = useApp()
  const { disabled, logger } = place.settings
  const toggle = (name: string, isOn: boolean) =>
    writePlace('overview', undefined, { ...place.settings, [name]: isOn ? '' : '1' })
  return (
    <>
      <a
        class="toggle"
        href={toggle('disabled', disabled === '1')}
        aria-current={disabled === '1' ? 'true' : undefined}
      >
        Disabled components
      </a>
      <a class="toggle" href={toggle('logger', logger === '1')} aria-current={logger === '1' ? 'true' : undefined}>
        Arrows to the logger
      </a>
    </>
  )
}

const Picture = ({ data, plan }: { data: Graph; plan: ResetPlan | undefined }) => {
  const { component, disabled, logger } = useApp().place.settings
  const last = useLive(({ history }) => history.last)
  const planned = plan === undefined ? data : withPlan(data, plan)
  const shown = shownGraph(planned, disabled === '1', logger === '1')
  return (
    <>
      <Problems graph={shown} />
      <div class="scroll">
        <Diagram graph={shown} rates={last} selected={component} />
      </div>
      <Selected graph={shown} name={component} />
    </>
  )
}

const shownGraph = ({ nodes, edges }: Graph, withDisabled: boolean, withLogger: boolean): Graph => {
  const shown = nodes.filter(({ enabled, planned }) => enabled || withDisabled || planned !== undefined)
  const names = new Set(shown.map(({ name }) => name))
  // Nearly everything writes to the log: these arrows would cover the others.
  const loggers = new Set(nodes.filter(({ kind }) => kind === 'Logger').map(({ name }) => name))
  const drawn = edges.filter(({ from, to }) => names.has(from) && names.has(to) && (withLogger || !loggers.has(to)))
  return { nodes: shown, edges: drawn }
}

/** What does not work, in words, and announced when it changes. */
const Problems = ({ graph }: { graph: Graph }) => {
  const bad = graph.nodes.filter((node) => node.enabled && toneOf(node) === 'bad')
  return (
    <div role="status">
      {bad.length > 0 && (
        <ul class="problems">
          {bad.map((node) => (
            <li key={node.name}>
              <Badge tone="bad">{node.name}</Badge> {stateText(node)}
              {typeof node.error === 'string' && `: ${node.error}`}
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

const Selected = ({ graph, name }: { graph: Graph; name: string | undefined }) => {
  const node = graph.nodes.find((each) => each.name === name)
  if (node === undefined) return null
  const uses = graph.edges.filter(({ from }) => from === name)
  const usedBy = graph.edges.filter(({ to }) => to === name)
  return (
    <Facts label={`Component ${node.name}`}>
      <Fact name="Component">{node.name}</Fact>
      <Fact name="Kind">{kindText(node)}</Fact>
      <Fact name="State">{stateText(node)}</Fact>
      {node.planned !== undefined && <Fact name="Plan">{plannedText(node.planned)}</Fact>}
      <Fact name="Config">{node.description ?? 'no description'}</Fact>
      <Fact name="Depends on">{uses.map(({ to, role }) => `${to} (${role})`).join(', ') || 'nothing'}</Fact>
      <Fact name="Used by">{usedBy.map(({ from }) => from).join(', ') || 'nothing'}</Fact>
      {typeof node.error === 'string' && <Fact name="Error">{node.error}</Fact>}
    </Facts>
  )
}
