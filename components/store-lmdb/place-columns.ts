/** Places of messages in queues, in columns of numbers: a start reads millions of them. */
export class PlaceColumns {
  count = 0
  /** The place of the session in a list. */
  sessions = new Uint32Array(FIRST_PLACES)
  sequences = new Float64Array(FIRST_PLACES)
  slots = new Uint32Array(FIRST_PLACES)
  /** As `receiverPlace` gives it. */
  receivers = new Uint32Array(FIRST_PLACES)
  /** After `sort`: the places of the first session, of the second one and so on, each in the order in which they were added. */
  order = new Uint32Array(0)

  add(session: number, sequence: number, slot: number, receiver: number): void {
    const at = this.count
    if (at === this.slots.length) this.#grow()
    this.sessions[at] = session
    this.sequences[at] = sequence
    this.slots[at] = slot
    this.receivers[at] = receiver
    this.count = at + 1
  }

  /** Sets `order`. @param sessions in the list. @returns for each of them, where its places end in `order`. */
  sort(sessions: number): Uint32Array {
    const { count, sessions: column } = this
    const ends = new Uint32Array(sessions)
    for (let at = 0; at < count; at += 1) ends[column[at]!]! += 1
    // From here on where the places of each session begin, which moves to their end while they are put there.
    for (let session = 0, begin = 0; session < sessions; session += 1) {
      const own = ends[session]!
      ends[session] = begin
      begin += own
    }
    this.order = new Uint32Array(count)
    for (let at = 0; at < count; at += 1) {
      const session = column[at]!
      this.order[ends[session]!] = at
      ends[session]! += 1
    }
    return ends
  }

  clear(): void {
    this.count = 0
    this.order = new Uint32Array(0)
  }

  #grow(): void {
    const length = this.slots.length * 2
    this.sessions = grown(this.sessions, new Uint32Array(length))
    this.sequences = grown(this.sequences, new Float64Array(length))
    this.slots = grown(this.slots, new Uint32Array(length))
    this.receivers = grown(this.receivers, new Uint32Array(length))
  }
}

const FIRST_PLACES = 1_024

const grown = <T extends Uint32Array | Float64Array>(from: T, to: T): T => {
  to.set(from)
  return to
}
