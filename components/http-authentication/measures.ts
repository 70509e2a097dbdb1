import { counter, gauge, type Measure } from '../../src/system/define-system.ts'
import type { HttpAuthentication } from './http-authentication.ts'

/** What operators read of the calls to the service. */
export const measuresOf = (service: HttpAuthentication): readonly Measure[] => {
  const { counters } = service
  return [
    gauge('requesting', 'requests', 'Requests under way.', () => service.requesting),
    gauge('queued', 'clients', 'Clients that wait for a request.', () => service.queued),
    gauge('cached', 'answers', 'Answers that are kept.', () => service.cached),
    gauge('cache_size', 'bytes', 'The size of the answers that are kept, about.', () => service.cachedBytes),
    gauge('open', 'breakers', '1 while the service is not asked since it fails.', () => (service.isOpen ? 1 : 0)),
    counter('allowed', 'clients', 'Clients that were allowed.', () => counters.allowed),
    counter('denied', 'clients', 'Clients that were denied.', () => counters.denied),
    counter('ignored', 'clients', 'Clients that were passed on.', () => counters.ignored),
    counter('from_cache', 'clients', 'Clients that an answer was known for.', () => counters.fromCache),
    counter('joined', 'clients', 'Clients that waited for the request of another one.', () => counters.joined),
    counter('request', 'requests', 'Requests to the service.', () => counters.requests),
    counter('failed', 'requests', 'Requests without an answer.', () => counters.failures),
    counter('unusable', 'answers', 'Answers that could not be used.', () => counters.unusable),
    counter('refused_open', 'clients', 'Clients refused while the service is not asked.', () => counters.refusedOpen),
    counter('refused_busy', 'clients', 'Clients refused since too many wait.', () => counters.refusedBusy),
    counter('opened', 'times', 'Times that the breaker opened: no requests for a while.', () => counters.opened),
  ]
}
