import type { LifecycleContext } from '../../src/system/component.ts'

/** The context of a component that a test starts by itself, without a system around it. */
export const lifecycleContext = (
  name: string,
  signal: AbortSignal = new AbortController().signal,
): LifecycleContext => ({
  ...{ name, signal, measures: () => [] },
  system: {
    state: 'running',
    degraded: false,
    runningSinceMs: 0,
    status: () => [],
    measures: () => [],
    graph: () => ({ nodes: [], edges: [], problems: [] }),
    refresh: async () => [],
    reloader: undefined,
  },
})
