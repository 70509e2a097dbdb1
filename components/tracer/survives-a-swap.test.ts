import { survivesASwap } from '../../test/contract/survives-a-swap.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { tracer } from './index.ts'
import type { LocalTracer } from './local-tracer.ts'

const start = (instance: LocalTracer) => {
  try {
    return instance.start({ clientId: 'c' })
  } catch (error) {
    return error
  }
}

survivesASwap<LocalTracer, { logger: RecordingLogger }>('tracer', {
  component: tracer,
  config: {},
  others: [{ maximumTraces: 2 }, { defaultSeconds: 7, maximumPayloadBytes: 0 }, { defaultLines: 1 }],
  dependencies: () => ({ logger: new RecordingLogger() }),
  history: [start, start, (instance) => instance.delete('1'), start, start],
  observe: (instance) => {
    const traces = instance
      .traces()
      .map(({ id, startedAtMs, endsAtMs }) => [id, Math.round((endsAtMs - startedAtMs) / 1_000)])
    return [traces, { ...instance.counters }, instance.running?.map(({ id }) => id)]
  },
})
