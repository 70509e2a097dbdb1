/** How a handler authenticates the clients of a listener. The server does not open a listener for which that is too little. */
export interface ListenerAuthentication {
  /**
   * Which clients have to prove who they are.
   * `every`: all of them.
   * `named`: those that send a user name, a password or an Authentication Method. Other clients are accepted without a user name.
   * `none`: nothing is checked. Every client is accepted.
   */
  readonly proof: 'every' | 'named' | 'none'
  /** Names in `ListenerOptions.authenticators` that the handler does not have. Clients of such a listener are refused. */
  readonly unknown: readonly string[]
  /** Names of all authenticators of the handler. */
  readonly known: readonly string[]
}
