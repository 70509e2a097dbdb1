/** Tells the sessions of a bridge at the remote broker apart, since each of them begins with the same Packet Identifiers. */
export class RemoteSession {
  #number = 1

  get number(): number {
    return this.#number
  }

  /** The remote broker has made a new session. */
  renew(): void {
    this.#number += 1
  }
}
