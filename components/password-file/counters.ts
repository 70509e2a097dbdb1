/** Events since the start, for operators. The component does not use these numbers for decisions. */
export interface PasswordFileCounters {
  /** Clients that were allowed. */
  allowed: number
  /** Those of them whose password was known from a short time before, and was not hashed again. */
  fromCache: number
  /** Passwords that were hashed to check a client. */
  hashed: number
  /** Clients that waited for the hash of another one with the same name and password. */
  joined: number
  /** Clients of a known user with a wrong password, or without one. */
  wrongPasswords: number
  /** Clients whose user name is not in the file. */
  unknownUsers: number
  /** Clients that were refused because too many passwords wait to be hashed. */
  refusedBusy: number
  /** How often the file was read and its users taken over. */
  reads: number
  /** How often the file could not be read, or had bad lines, while the component ran. */
  failedReads: number
}

export const newPasswordFileCounters = (): PasswordFileCounters => ({
  allowed: 0,
  fromCache: 0,
  hashed: 0,
  joined: 0,
  wrongPasswords: 0,
  unknownUsers: 0,
  refusedBusy: 0,
  reads: 0,
  failedReads: 0,
})
