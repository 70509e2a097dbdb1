import type { Transport } from '../../src/kinds/transport.ts'
import { type CoreEntrance, CoreListener, type FormerListener } from './core-listener.ts'
import type { CoreRecord } from './core-record.ts'

/** The listeners of a core that continues for another one. */
export interface TakenListeners {
  /** In the order of the transports. */
  readonly served: readonly CoreListener[]
  /** Not served any more: their connections have to end. */
  readonly gone: readonly CoreListener[]
  /** By those that they continue. */
  readonly successors: ReadonlyMap<FormerListener, CoreListener>
}

/** Whether one transport is in the place of the other: it is the same, or its successor. */
export const isInPlaceOf = (transport: Transport, former: Transport): boolean =>
  transport === former || (transport.place !== undefined && transport.place === former.place)

/**
 * Serves transports in place of another core. A transport that is in the place of one before continues its listener.
 * @param begun takes what undoes each step, before it is taken. @throws what a transport throws.
 */
export const takeListeners = (
  entrance: CoreEntrance,
  { listeners, connections, arrivals }: CoreRecord,
  transports: readonly Transport[],
  begun: (undo: () => void) => void,
): TakenListeners => {
  const served = transports.map((transport) => new CoreListener(transport, entrance))
  const successors = new Map<FormerListener, CoreListener>()
  const gone: CoreListener[] = []
  for (const record of listeners) {
    const { server, source } = record
    let successor = served.find((each) => isInPlaceOf(each.source, source))
    if (successor === undefined) {
      successor = new CoreListener(source, entrance)
      gone.push(successor)
    }
    successor.continueFrom(record)
    successors.set(server, successor)
    begun(() => source.serve(server))
    source.hold([])
  }
  for (const listener of served) {
    begun(() => listener.source.hold([]))
    listener.source.serve(listener)
  }
  // Their transports are not served any more, and they end.
  for (const before of [...connections.map(({ source }) => source), ...arrivals.map(({ listener }) => listener)]) {
    if (before === undefined || successors.has(before)) continue
    const successor = new CoreListener(before.source, entrance)
    successor.endsAtMs = before.endsAtMs
    successors.set(before, successor)
    gone.push(successor)
  }
  for (const listener of gone) listener.isShut = true
  return { served, gone, successors }
}
