/** The state of a connection for the object that continues for it. Plain data, and what lives outside of this code: sockets, memory, ports. */

import type { ConnectionEnd } from '../../src/kinds/connection.ts'
import type { ByteStream } from '../../src/kinds/transport.ts'
import type { FieldsRecord } from './connection-fields.ts'
import type { InputRecord } from './connection-input.ts'
import type { OutputRecord } from './connection-output.ts'
import type { ConnectionStages, StagesRecord } from './connection-stages.ts'
import type { FormerListener } from './core-listener.ts'
import type { AdoptedSocket } from './shared-input.ts'
import type { ReadsRecord } from './socket-reads.ts'
import type { StreamPort, StreamUser } from './stream-port.ts'

export interface ConnectionRecord {
  readonly fields: FieldsRecord
  readonly stream: ByteStream
  /** Where the events of the stream go: to the object that gave this record, until another one is set there. */
  readonly port: StreamPort
  /** The stream, if it reads into the shared input. */
  readonly adopted: AdoptedSocket | undefined
  /** How that reads. */
  readonly reads: ReadsRecord | undefined
  readonly stages: StagesRecord
  readonly input: InputRecord
  readonly output: OutputRecord
  readonly writeError: Error | undefined
  readonly readError: Error | undefined
  readonly open: boolean
  readonly end: ConnectionEnd | undefined
}

/** The object that has a connection before a reset. Its successor may be of other code. */
export interface FormerConnection extends StreamUser {
  /** Its state. Writes what was gathered, so that nothing is borrowed. */
  handOver(): ConnectionRecord
  /** Another object continues for it: it does nothing any more, also when it is called. */
  leave(): void
  /** The reset was undone: it continues from what has become of the connection. */
  takeBack(now: ConnectionRecord): void
  /** The reset was undone, and one of its stages could not go back: the connection is cut off. */
  stageThrew(error: unknown): void
  /** What the stages of its pipeline hand over, for a look before the reset. */
  readonly stages: Pick<ConnectionStages, 'handOver'>
  readonly open: boolean
  readonly source: FormerListener | undefined
}
