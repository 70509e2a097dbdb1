/** What is looked at after each reset: it may have changed who may connect. */

import type { Logger } from '../../src/kinds/logger.ts'
import type { HandlerStage } from '../../src/kinds/pipeline-stage.ts'
import type { ConnectionFields } from './connection-fields.ts'
import type { CoreListener } from './core-listener.ts'
import { checkListener } from './listener-check.ts'

/** A listener that is open to a network by mistake takes no connections, and takes them again when that was corrected. */
export const shutOpenListeners = (listeners: readonly CoreListener[], handler: HandlerStage, log: Logger): void => {
  for (const listener of listeners) {
    try {
      checkListener(listener.source, handler)
      listener.isShut = false
    } catch (error) {
      const { name, transport, address } = listener
      listener.isShut = true
      log.error({ err: error, listener: name, transport, address }, `${name} takes no connections any more`)
    }
  }
}

/**
 * A client that is not accepted yet is held to what its listener demands now. Its mount point and the size of its packets are those with
 * which its pipeline was opened.
 */
export const followListeners = (listeners: readonly CoreListener[], connections: Iterable<ConnectionFields>): void => {
  const changed = new Set(listeners.filter((listener) => listener.hasOtherOptions()))
  if (changed.size === 0) return
  for (const connection of connections) {
    const { source, listener, protocolVersion, authenticating } = connection
    const isAccepted = protocolVersion !== 0 && !authenticating
    if (source === undefined || isAccepted || !changed.has(source)) continue
    const { mountPoint, maximumPacketSize } = listener
    connection.listener = { ...source.source.options, mountPoint, maximumPacketSize }
  }
}
