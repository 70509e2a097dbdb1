import type { Measure } from '../../src/system/define-system.ts'
import type { PasswordFile } from './password-file.ts'

/** What operators read of a password file. */
export const measuresOf = (file: PasswordFile): readonly Measure[] => {
  const { counters } = file
  return [
    gauge('known', 'users', 'Users of the file.', () => file.size),
    gauge('hashing', 'passwords', 'Passwords that are hashed now.', () => file.hashing),
    gauge('queued', 'passwords', 'Passwords that wait to be hashed.', () => file.queued),
    gauge('cached', 'passwords', 'Passwords that were right and are not hashed again.', () => file.cached),
    count('allowed', 'clients', 'Clients that were allowed.', () => counters.allowed),
    count('from_cache', 'clients', 'Clients that were allowed without a hash.', () => counters.fromCache),
    count('joined', 'clients', 'Clients that waited for the hash of another client.', () => counters.joined),
    count('wrong_password', 'clients', 'Clients with a wrong password, or without one.', () => counters.wrongPasswords),
    count('unknown_user', 'clients', 'Clients whose user name is not in the file.', () => counters.unknownUsers),
    count('refused_busy', 'clients', 'Clients refused because too many wait.', () => counters.refusedBusy),
    count('hashed', 'passwords', 'Passwords that were hashed.', () => counters.hashed),
    count('read', 'times', 'Times that the file was read and taken over.', () => counters.reads),
    count('failed_read', 'times', 'Times that the file could not be read.', () => counters.failedReads),
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
