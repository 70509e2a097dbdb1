/** A component of the broker under attack: tells the runner what the broker holds. */

import { Broker, defineComponent, kind, Listener, z } from 'mqtt-jig'
import type { Holdings, ProbeReport } from './messages.ts'

const tell = (report: ProbeReport): void => {
  process.send?.(report)
}

/** Twice: what a first collection finalizes, a second one frees. */
const collectGarbage = (): void => {
  globalThis.gc?.()
  globalThis.gc?.()
}

const holdings = (listener: Listener, broker: Broker): Holdings => {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  const handles = process.getActiveResourcesInfo().filter((name) => /Wrap|Pipe|Server/.test(name))
  return {
    connections: listener.connections,
    sessions: [...broker.sessions()].length,
    handles: handles.length,
    memoryBytes: heapUsed + external,
  }
}

interface Probe {
  readonly answer: () => void
}

const Probe = kind<Probe>()('Probe')

export const probe = defineComponent({
  provides: Probe,
  needs: { listener: Listener, broker: Broker },
  config: z.strictObject({}),
  start: (_config, { listener, broker }) => {
    const answer = () => tell({ type: 'holdings', ...holdings(listener, broker) })
    process.on('message', answer)
    tell({ type: 'ready', listeners: listener.listeners.map(({ name, address }) => ({ name, address })) })
    return { answer }
  },
  stop: ({ answer }) => {
    process.off('message', answer)
    process.disconnect?.()
  },
})
