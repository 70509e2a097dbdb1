/**
 * The clients whose CONNECT came and that are not accepted yet: they wait for an authenticator, for AUTH packets or for their session.
 * Each holds its CONNECT packet, so their number is bounded.
 */
export class Connecting<C> {
  /** A lower one refuses only clients that come from now on. */
  maximum: number
  readonly #clients = new Set<C>()

  constructor(maximum: number) {
    this.maximum = maximum
  }

  /** How many there are. */
  get count(): number {
    return this.#clients.size
  }

  /** A CONNECT came. @returns false if there are too many already. */
  begin(client: C): boolean {
    if (this.#clients.size >= this.maximum) return false
    this.#clients.add(client)
    return true
  }

  has(client: C): boolean {
    return this.#clients.has(client)
  }

  /** It waits already, since another object stood in its place. */
  continues(client: C): void {
    this.#clients.add(client)
  }

  /** The client is accepted, or has gone. */
  end(client: C): void {
    this.#clients.delete(client)
  }
}
