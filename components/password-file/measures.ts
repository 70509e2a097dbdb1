import { counter, gauge, type Measure } from '../../src/system/define-system.ts'
import type { PasswordFile } from './password-file.ts'

/** What operators read of a password file. */
export const measuresOf = (file: PasswordFile): readonly Measure[] => {
  const { counters } = file
  return [
    gauge('known', 'users', 'Users of the file.', () => file.size),
    gauge('hashing', 'passwords', 'Passwords that are hashed now.', () => file.hashing),
    gauge('queued', 'passwords', 'Passwords that wait to be hashed.', () => file.queued),
    gauge('cached', 'passwords', 'Passwords that were right and are not hashed again.', () => file.cached),
    counter('allowed', 'clients', 'Clients that were allowed.', () => counters.allowed),
    counter('from_cache', 'clients', 'Clients that were allowed without a hash.', () => counters.fromCache),
    counter('joined', 'clients', 'Clients that waited for the hash of another client.', () => counters.joined),
    counter(
      'wrong_password',
      'clients',
      'Clients with a wrong password, or without one.',
      () => counters.wrongPasswords,
    ),
    counter('unknown_user', 'clients', 'Clients whose user name is not in the file.', () => counters.unknownUsers),
    counter('refused_busy', 'clients', 'Clients refused because too many wait.', () => counters.refusedBusy),
    counter('hashed', 'passwords', 'Passwords that were hashed.', () => counters.hashed),
    counter('read', 'times', 'Times that the file was read and taken over.', () => counters.reads),
    counter('failed_read', 'times', 'Times that the file could not be read.', () => counters.failedReads),
  ]
}
