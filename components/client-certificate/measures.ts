import type { Measure } from '../../src/system/define-system.ts'
import type { ClientCertificate } from './client-certificate.ts'

/** What operators read of the checks of certificates. */
export const measuresOf = ({ counters }: ClientCertificate): readonly Measure[] => [
  count('allowed', 'Clients that were allowed.', () => counters.allowed),
  count('passed', 'Clients that were passed on.', () => counters.passed),
  count('denied_by_list', 'Clients whose certificate is on a list.', () => counters.deniedByList),
  count('denied', 'Clients that were refused for another reason.', () => counters.denied),
]

const count = (name: string, help: string, read: () => number): Measure => ({
  name,
  help,
  unit: 'clients',
  kind: 'counter',
  read,
})
