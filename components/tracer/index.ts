import { Logger } from '../../src/kinds/logger.ts'
import { Tracer } from '../../src/kinds/tracer.ts'
import { counter, defineComponent, gauge } from '../../src/system/define-system.ts'
import { tracerConfig } from './config.ts'
import { readHandover } from './handover.ts'
import { LocalTracer } from './local-tracer.ts'

/** Keeps what traces of chosen clients and topics saw. A stage of the component `trace` shows the packets to it. */
export const tracer = defineComponent({
  provides: Tracer,
  needs: { logger: Logger },
  config: tracerConfig,
  start: (config, { logger }, { name }) => new LocalTracer(config, logger.child({ component: name })),
  measure: (instance) => [
    gauge('running', 'traces', 'Traces that run.', () => instance.running?.length ?? 0),
    gauge('kept', 'traces', 'Traces that run or have ended and are kept.', () => instance.count),
    counter('started', 'traces', 'Traces that were started.', () => instance.counters.started),
    counter('refused', 'traces', 'Traces that were refused since too many run.', () => instance.counters.refused),
    counter('written', 'lines', 'Lines of all traces.', () => instance.counters.lines),
    counter('missed', 'packets', 'Packets over maximumLinesPerSecond.', () => instance.counters.missed),
  ],
  adjust: (instance, config, { logger }, { name }) => instance.adjust(config, logger.child({ component: name })),
  stop: (instance) => instance.stop(),
  suspend: (instance) => instance.suspend(),
  resume: (config, { logger }, suspended, { name }) =>
    new LocalTracer(config, logger.child({ component: name }), readHandover(suspended)),
})
