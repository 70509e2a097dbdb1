import { useEffect, useState } from 'preact/hooks'
import { segment } from './api.ts'
import { useApp } from './context.tsx'
import type { ComponentItem, List, Trace, TraceLine } from './contract.ts'
import { formatTime } from './format.ts'
import { useAction, useResource } from './resource.tsx'
import { Empty, SCROLLABLE } from './states.tsx'

/** How long a trace runs. */
const SECONDS = 60
/** Lines that the page keeps. */
const MAXIMUM_LINES = 500

/** The packets of a client in both directions, for a minute. */
export const TracePanel = ({ clientId }: { clientId: string }) => {
  const components = useResource<List<ComponentItem>>('/components')
  const hasTracer = components.data?.items.some(({ kind, state }) => kind === 'Tracer' && state === 'running')
  return (
    <section class="panel" aria-labelledby="trace">
      <div class="panel-head">
        <h2 id="trace">Trace</h2>
        <p class="note">Packets in both directions, for {SECONDS} s</p>
      </div>
      {hasTracer === false && (
        <Empty title="The system has no trace component.">
          Enable <code>tracer</code> and <code>trace</code> in the system config.
        </Empty>
      )}
      {hasTracer === true && <RunningTrace clientId={clientId} />}
    </section>
  )
}

const RunningTrace = ({ clientId }: { clientId: string }) => {
  const { api, live } = useApp()
  const [isBusy, run] = useAction()
  const [trace, setTrace] = useState<string | undefined>(undefined)
  const [withPayloads, setWithPayloads] = useState(false)
  const [lines, setLines] = useState<readonly TraceLine[]>([])
  useEffect(() => {
    if (trace === undefined) return
    const add = (id: string, line: TraceLine) => {
      if (id === trace) setLines((before) => [...before, line].slice(-MAXIMUM_LINES))
    }
    const end = live.onTrace(add)
    const over = setTimeout(() => setTrace(undefined), SECONDS * 1000)
    return () => {
      end()
      clearTimeout(over)
    }
  }, [live, trace])
  const start = () =>
    run(async () => {
      const { id } = await api.send<Trace>('POST', '/traces', { clientId, payloads: withPayloads, seconds: SECONDS })
      setLines([])
      setTrace(id)
      return `Trace of ${clientId} started.`
    })
  const stop = () =>
    run(async () => {
      await api.send('DELETE', `/traces/${segment(trace!)}`)
      setTrace(undefined)
      return `Trace of ${clientId} stopped.`
    })
  return (
    <>
      <div class="toolbar">
        <button type="button" disabled={isBusy} onClick={trace === undefined ? start : stop}>
          {trace === undefined ? 'Start trace' : 'Stop trace'}
        </button>
        <label class="check">
          <input
            type="checkbox"
            checked={withPayloads}
            disabled={trace !== undefined}
            onChange={(event) => setWithPayloads(event.currentTarget.checked)}
          />
          with payloads
        </label>
      </div>
      {lines.length === 0 ? (
        <Empty title={trace === undefined ? 'No trace runs.' : 'No packet yet.'}>
          {trace === undefined
            ? 'Start one to see the packets of this client.'
            : 'A packet appears when the client sends or gets one.'}
        </Empty>
      ) : (
        <ol class="lines" aria-label="Packets" {...SCROLLABLE}>
          {lines.map((line, index) => (
            <li key={`${line.timeMs} ${index}`}>
              <time>{formatTime(line.timeMs)}</time> {line.text}
            </li>
          ))}
        </ol>
      )}
    </>
  )
}
