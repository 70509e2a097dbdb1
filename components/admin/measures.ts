import { counter, gauge, type Measure } from '../../src/system/define-system.ts'
import type { Admin } from './admin.ts'

/** What operators read of the admin API. */
export const measuresOf = ({ counters, streams }: Admin): readonly Measure[] => [
  counter('read', 'requests', 'Requests that asked for something.', () => counters.reads),
  counter('change', 'requests', 'Requests to change something; the log has each.', () => counters.changes),
  ...([401, 403, 429] as const).map((status) =>
    counter('denied', 'requests', 'Requests that were denied, by the status.', () => counters.denied[status], {
      status: String(status),
    }),
  ),
  gauge('open', 'streams', 'Event streams open now.', () => streams.count),
  counter('opened', 'streams', 'Event streams that were opened.', () => streams.counters.opened),
  ...(['share', 'full'] as const).map((reason) =>
    counter('not_opened', 'streams', 'Event streams refused, by the reason.', () => streams.counters.refused[reason], {
      reason,
    }),
  ),
  counter('cut_off', 'streams', 'Event streams closed because too many bytes waited.', () => streams.counters.cutOff),
]
