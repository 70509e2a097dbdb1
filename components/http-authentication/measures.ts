import type { Measure } from '../../src/system/define-system.ts'
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
    count('allowed', 'clients', 'Clients that were allowed.', () => counters.allowed),
    count('denied', 'clients', 'Clients that were denied.', () => counters.denied),
    count('ignored', 'clients', 'Clients that were passed on.', () => counters.ignored),
    count('from_cache', 'clients', 'Clients that an answer was known for.', () => counters.fromCache),
    count('joined', 'clients', 'Clients that waited for the request of another one.', () => counters.joined),
    count('request', 'requests', 'Requests to the service.', () => counters.requests),
    count('failed', 'requests', 'Requests without an answer.', () => counters.failures),
    count('unusable', 'answers', 'Answers that could not be used.', () => counters.unusable),
    count('refused_open', 'clients', 'Clients refused while the service is not asked.', () => counters.refusedOpen),
    count('refused_busy', 'clients', 'Clients refused since too many wait.', () => counters.refusedBusy),
    count('opened', 'times', 'Times that the service was not asked any more for a while.', () => counters.opened),
  ]
}

const gauge = (name: string, unit: string, help: string, read: () => number): Measure => ({
  name,
  help,
  unit,
  kind: 'gauge',
  read,
})

const count = (name: string, unit: string, help: string, read: () => number): Measure => ({
  name,
  help,
  unit,
  kind: 'counter',
  read,
})
