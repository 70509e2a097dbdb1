import type { Measure } from '../../src/system/define-system.ts'
import type { Jwt } from './jwt.ts'

/** What operators read of the checks of tokens. */
export const measuresOf = (jwt: Jwt): readonly Measure[] => {
  const { counters } = jwt
  return [
    measure('gauge', 'known', 'keys', 'Keys that are trusted.', () => jwt.keyCount),
    measure('gauge', 'verifying', 'tokens', 'Tokens that are checked now.', () => jwt.verifying),
    measure('counter', 'allowed', 'clients', 'Clients whose token was right.', () => counters.allowed),
    measure('counter', 'passed', 'clients', 'Clients without a token, passed on.', () => counters.passed),
    measure('counter', 'bad_signature', 'clients', 'Clients with a wrong signature.', () => counters.badSignatures),
    measure('counter', 'bad_time', 'clients', 'Clients with an expired token.', () => counters.badTimes),
    measure('counter', 'bad_claims', 'clients', 'Clients with other wrong claims.', () => counters.badClaims),
    measure('counter', 'without_keys', 'clients', 'Clients refused without keys.', () => counters.withoutKeys),
    measure('counter', 'refused_busy', 'clients', 'Clients refused since too many wait.', () => counters.refusedBusy),
    measure('counter', 'load', 'times', 'Times that keys were taken over.', () => counters.loads),
    measure('counter', 'failed_load', 'times', 'Times that keys could not be loaded.', () => counters.failedLoads),
  ]
}

const measure = (kind: Measure['kind'], name: string, unit: string, help: string, read: () => number): Measure => ({
  name,
  help,
  unit,
  kind,
  read,
})
