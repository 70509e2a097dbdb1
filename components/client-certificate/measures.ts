import { counter, type Measure } from '../../src/system/define-system.ts'
import type { ClientCertificate } from './client-certificate.ts'

/** What operators read of the checks of certificates. */
export const measuresOf = ({ counters }: ClientCertificate): readonly Measure[] => [
  counter('allowed', 'clients', 'Clients that were allowed.', () => counters.allowed),
  counter('passed', 'clients', 'Clients that were passed on.', () => counters.passed),
  counter('denied_by_list', 'clients', 'Clients whose certificate is on a list.', () => counters.deniedByList),
  counter('denied', 'clients', 'Clients that were refused for another reason.', () => counters.denied),
]
