import { z } from 'zod'
import { Logger } from '../../src/kinds/logger.ts'
import { Store } from '../../src/kinds/store.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { optional } from '../../src/system/kind.ts'
import { type Handover, rebuild, takeApart } from './handover.ts'
import { type MemoryState, MemoryStore } from './memory-store.ts'

/** Holds sessions, queued and retained messages in memory: they survive a reset, and end with the process. */
export const memoryStore = defineComponent({
  provides: Store,
  needs: { logger: optional(Logger) },
  config: z.strictObject({}),
  start: (_config, { logger }, { name }) => new MemoryStore(logger?.child({ component: name })),
  adjust: (instance, _config, { logger }, { name }) => instance.adjust(logger?.child({ component: name })),
  handover: {
    format: 'mqtt-jig memory-store',
    version: 1,
    prepare: (_config, { logger }, { name }) => new MemoryStore(logger?.child({ component: name })),
    give: (instance) => instance.handOver(),
    take: (instance, state) => {
      instance.takeOver(state as MemoryState)
      // It changes nothing of what is shared before the reset is applied.
      return () => {}
    },
    retire: () => {},
    census: ({ sessionCount, retainedCount }) => ({ sessions: sessionCount, retained: retainedCount }),
  },
  suspend: (instance): Handover => takeApart(instance),
  resume: (_config, { logger }, suspended, { name }) => rebuild(suspended, logger?.child({ component: name })),
  stop: (instance) => instance.reportLoss(),
  // Only what takes the same time however much is stored: `counts` adds up the queues of all sessions.
  measure: (instance) => [
    {
      name: 'sessions',
      help: 'Sessions that outlive their connections.',
      unit: 'sessions',
      kind: 'gauge',
      read: () => instance.sessionCount,
    },
    {
      name: 'retained',
      help: 'Retained messages.',
      unit: 'messages',
      kind: 'gauge',
      read: () => instance.retainedCount,
    },
  ],
})
