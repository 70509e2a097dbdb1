import type { Peer } from '../../src/kinds/peer.ts'
import type { ByteStream, TransportServer } from '../../src/kinds/transport.ts'

/** A server that notes what a transport asks it. */
export class AskingServer implements TransportServer {
  /** Who was asked about, in order. */
  readonly asked: Peer[] = []
  readonly accepted: { readonly stream: ByteStream; readonly peer: Peer }[] = []
  /** The answer. */
  isOpen = true

  admits(peer: Peer): boolean {
    this.asked.push(peer)
    return this.isOpen
  }

  accept(stream: ByteStream, peer: Peer): void {
    this.accepted.push({ stream, peer })
  }

  countRefused(): void {}

  changed(): void {}

  ended(): void {}

  /** Closes what was accepted. */
  close(): void {
    for (const { stream } of this.accepted.splice(0)) stream.destroy()
  }
}
