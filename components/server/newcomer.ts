import type { Peer } from '../../src/kinds/peer.ts'
import type { ByteStream } from '../../src/kinds/transport.ts'
import type { CoreListener } from './core-listener.ts'

/** A connection that a transport handed over. */
export interface Newcomer {
  readonly stream: ByteStream
  readonly peer: Peer
  readonly listener: CoreListener
  /** Under which its address is counted (`AddressLimits.keyOf`). */
  readonly addressKey: string
}
