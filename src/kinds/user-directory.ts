/** The users of an authenticator, for operators: the REPL, the command, the admin API. */
export interface UserDirectory {
  /** Names, sorted. */
  list(): readonly string[]
  /**
   * Adds a user, or changes the password of an existing one. It is stored when the promise resolves.
   * @throws TypeError that says what is wrong with the name or the password; another Error if it cannot be stored. Nothing is changed then.
   */
  set(name: string, password: string): Promise<void>
  /** @returns false when there is no such user. */
  delete(name: string): Promise<boolean>
}
