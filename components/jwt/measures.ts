import { counter, gauge, type Measure } from '../../src/system/define-system.ts'
import type { Jwt } from './jwt.ts'

/** What operators read of the checks of tokens. */
export const measuresOf = (jwt: Jwt): readonly Measure[] => {
  const { counters } = jwt
  return [
    gauge('known', 'keys', 'Keys that are trusted.', () => jwt.keyCount),
    gauge('verifying', 'tokens', 'Tokens that are checked now.', () => jwt.verifying),
    counter('allowed', 'clients', 'Clients whose token was right.', () => counters.allowed),
    counter('passed', 'clients', 'Clients without a token, passed on.', () => counters.passed),
    counter('bad_signature', 'clients', 'Clients with a wrong signature.', () => counters.badSignatures),
    counter('bad_time', 'clients', 'Clients with an expired token.', () => counters.badTimes),
    counter('bad_claims', 'clients', 'Clients with other wrong claims.', () => counters.badClaims),
    counter('without_keys', 'clients', 'Clients refused without keys.', () => counters.withoutKeys),
    counter('refused_busy', 'clients', 'Clients refused since too many wait.', () => counters.refusedBusy),
    counter('load', 'times', 'Times that keys were taken over.', () => counters.loads),
    counter('failed_load', 'times', 'Times that keys could not be loaded.', () => counters.failedLoads),
  ]
}
