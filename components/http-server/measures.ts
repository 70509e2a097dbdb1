import { counter, gauge, type Measure } from '../../src/system/define-system.ts'
import { REFUSAL_REASONS } from './counters.ts'
import type { NodeHttpServer } from './node-http-server.ts'

/** What operators read of the HTTP server. */
export const measuresOf = (server: NodeHttpServer): readonly Measure[] => {
  const { counters } = server
  return [
    gauge('connections', 'connections', 'Connections open now.', () => server.connections),
    gauge('open', 'requests', 'Requests whose answer is not complete.', () => server.openRequests),
    ...[2, 3, 4, 5].map((first) =>
      counter(
        'answered',
        'requests',
        'Requests that were answered, by the class of the status.',
        () => counters.answered[first]!,
        {
          status: `${first}xx`,
        },
      ),
    ),
    ...REFUSAL_REASONS.map((reason) =>
      counter(
        'refused',
        'requests',
        'Requests and connections refused before a component saw them, by the reason.',
        () => counters.refused[reason],
        {
          reason,
        },
      ),
    ),
    counter('failed', 'requests', 'Requests whose handler failed; the log has the error.', () => counters.failed),
  ]
}
