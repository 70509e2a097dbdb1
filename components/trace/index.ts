import { z } from 'zod'
import { Broker } from '../../src/kinds/broker.ts'
import { FilterStage } from '../../src/kinds/pipeline-stage.ts'
import { Tracer } from '../../src/kinds/tracer.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { optional } from '../../src/system/kind.ts'
import { TraceStage } from './trace-stage.ts'

/** Shows the packets that pass its places in the pipeline to the traces of a tracer. */
export const traceStage = defineComponent({
  provides: FilterStage,
  needs: { tracer: Tracer, broker: optional(Broker) },
  config: z.strictObject({}),
  start: (_config, { tracer, broker }) => new TraceStage(tracer, broker),
  adjust(stage, _config, { tracer, broker }) {
    // Each packet asks the tracer, so it is a field of the parts for the connections, which a swap opens anew.
    if (tracer !== stage.tracer) throw new Error('the tracer is another one')
    const before = stage.broker
    const use = (used: typeof broker) => {
      stage.broker = used
    }
    return { commit: () => use(broker), undo: () => use(before) }
  },
  handover: {
    format: 'trace',
    version: 1,
    prepare: (_config, { tracer, broker }) => new TraceStage(tracer, broker),
    give: () => undefined,
    take: () => () => undefined,
    retire: () => undefined,
  },
})
