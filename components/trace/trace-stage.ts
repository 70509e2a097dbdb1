import type { Broker } from '../../src/kinds/broker.ts'
import type { Connection } from '../../src/kinds/connection.ts'
import type { FilterStage, PacketReceiver } from '../../src/kinds/pipeline-stage.ts'
import type { Tracer } from '../../src/kinds/tracer.ts'
import { TraceReceiver } from './trace-receiver.ts'
import { TracedConnection, type TracedRecord } from './traced-connection.ts'

/** Shows packets to the traces that run. It is listed before the handler, and sees both directions. */
export class TraceStage implements FilterStage {
  readonly role = 'filter'
  readonly format = 'trace'
  readonly tracer: Tracer
  /** A reset replaces it. */
  broker: Broker | undefined
  /** The two sides of a connection know one another by it. It has those that are being opened: a large one slows the garbage collector. */
  readonly #connections = new WeakMap<Connection, TracedConnection>()

  constructor(tracer: Tracer, broker: Broker | undefined) {
    this.tracer = tracer
    this.broker = broker
  }

  open(connection: Connection, next: PacketReceiver, handed?: unknown): PacketReceiver {
    const traced = this.#of(connection, handed)
    this.#connections.delete(connection)
    return new TraceReceiver(traced, next, 'received')
  }

  openOutgoing(connection: Connection, next: PacketReceiver, handed?: unknown): PacketReceiver {
    return new TraceReceiver(this.#of(connection, handed), next, 'sent')
  }

  #of(connection: Connection, handed: unknown): TracedConnection {
    let traced = this.#connections.get(connection)
    if (traced === undefined) {
      traced = new TracedConnection(connection, this.tracer, this, handed as TracedRecord | undefined)
      this.#connections.set(connection, traced)
    }
    return traced
  }
}
