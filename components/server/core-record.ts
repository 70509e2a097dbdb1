/** The state of a server for its successor. Plain data, and what lives outside of this code: sockets, memory, ports. */

import type { ConnectionCounters } from '../../src/kinds/listener.ts'
import type { ListenAddress, Listening } from '../../src/network/listening.ts'
import type { AddressRecord } from './address-limits.ts'
import type { ArrivalRecord } from './admission.ts'
import type { FormerConnection } from './connection-record.ts'
import type { ListenerRecord } from './core-listener.ts'
import type { SharedRecord } from './make-owner.ts'
import type { Pipeline } from './pipeline.ts'
import type { RefusalReason } from './refusals.ts'

export interface ServerRecord {
  readonly core: CoreRecord
  readonly tcp: TcpRecord
}

/** Where a server listens itself. */
export interface TcpRecord {
  /** Identifies the listener over resets. */
  readonly place: object
  readonly listening: Listening
  readonly where: ListenAddress
  /** Returns the events of the listening socket to the object that gave this. */
  takeBack(): void
}

/** The core that acts before a reset. Its successor may be of other code. */
export interface FormerCore {
  /** Another core acts in its place. */
  leave(): void
  /** The reset was undone. */
  takeBack(): void
  /** Bytes that wait for all peers. */
  readonly pendingBytes: number
}

export interface CoreRecord {
  readonly former: FormerCore
  readonly pipeline: Pipeline
  /** They count on until the successor acts. */
  readonly counters: ConnectionCounters
  readonly lastId: number
  readonly listeners: readonly ListenerRecord[]
  /** All whose sockets are not closed yet. Each hands over when its turn comes. */
  readonly connections: readonly FormerConnection[]
  readonly arrivals: readonly ArrivalRecord[]
  readonly addresses: AddressRecord
  /** Refused connections that are not logged yet. */
  readonly refusals: readonly (readonly [RefusalReason, number])[]
  readonly shared: SharedRecord
}
