import { PacketType } from '../../src/mqtt/packet-type.ts'
import { encodeAcknowledgement } from './acknowledgements.ts'

/** PUBREL packets that are sent before the first PUBCOMP comes. */
const WINDOW = 500

/** The last Packet Identifier. */
const LAST = 0xffff

/**
 * Releases every Packet Identifier at the remote broker. This broker has lost the session of the bridge, so it does not know which
 * identifiers of messages at QoS 2 the remote broker still remembers: it would take a new message with such an identifier for one
 * that it has, and drop it.
 */
export class ReleaseSweep {
  readonly #write: (bytes: Uint8Array) => void
  readonly #isVersion5: boolean
  readonly #done: () => void
  #sent = 0
  #answered = 0

  constructor(write: (bytes: Uint8Array) => void, isVersion5: boolean, done: () => void) {
    this.#write = write
    this.#isVersion5 = isVersion5
    this.#done = done
  }

  begin(): void {
    this.#sendMore()
  }

  /** PUBCOMP came. */
  pubcomp(): void {
    this.#answered += 1
    if (this.#answered === LAST) this.#done()
    else if (this.#answered === this.#sent) this.#sendMore()
  }

  #sendMore(): void {
    const end = Math.min(LAST, this.#sent + WINDOW)
    const packets: Uint8Array[] = []
    for (let identifier = this.#sent + 1; identifier <= end; identifier += 1) {
      packets.push(encodeAcknowledgement(PacketType.Pubrel, identifier, this.#isVersion5))
    }
    this.#sent = end
    this.#write(Buffer.concat(packets))
  }
}
