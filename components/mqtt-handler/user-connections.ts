/** A client as it is counted. */
export interface UserClient {
  /** The user that it proved to be. */
  readonly owner: string | undefined
  /** The Client Identifier. */
  readonly id: string | undefined
}

/** The connected clients of each user, if their number is limited. Clients without a proved user are not counted. */
export class UserConnections<C extends UserClient> {
  /** The most for each user; undefined for no limit. Users over a lower limit keep the clients that they have. */
  #maximum: number | undefined
  /** By user, then by Client Identifier. */
  readonly #byUser = new Map<string, Map<string, C>>()

  constructor(maximum: number | undefined) {
    this.#maximum = maximum
  }

  /** Sets another limit. @param clients all that are connected: without a limit they were not counted. */
  limit(maximum: number | undefined, clients: Iterable<C>): void {
    if (maximum === this.#maximum) return
    this.#maximum = maximum
    this.#byUser.clear()
    for (const client of clients) this.add(client)
  }

  /** Users that have a client. */
  get users(): number {
    return this.#byUser.size
  }

  /** Whether one more client may connect. One that takes over a connection of the same user may always. */
  hasRoom(owner: string | undefined, clientId: string): boolean {
    if (this.#maximum === undefined || owner === undefined) return true
    const clients = this.#byUser.get(owner)
    return clients === undefined || clients.size < this.#maximum || clients.has(clientId)
  }

  /** A client was accepted. */
  add(client: C): void {
    const { owner, id } = client
    if (this.#maximum === undefined || owner === undefined || id === undefined) return
    const clients = this.#byUser.get(owner) ?? new Map<string, C>()
    clients.set(id, client)
    this.#byUser.set(owner, clients)
  }

  /** A client has gone. No effect if another connection has taken its place. */
  delete(client: C): void {
    const { owner, id } = client
    if (this.#maximum === undefined || owner === undefined || id === undefined) return
    const clients = this.#byUser.get(owner)
    if (clients?.get(id) !== client) return
    clients.delete(id)
    if (clients.size === 0) this.#byUser.delete(owner)
  }
}
