import { kind } from '../system/kind.ts'

/** A connection to another broker that carries messages in one or both directions, for operators. */
export interface Bridge {
  /** The name of the component. */
  readonly name: string
  /** Whether messages flow now. */
  readonly connected: boolean
  /** The remote broker: that of the connection, or of the next attempt. `mqtts://broker.example:8883` */
  readonly remote: string
  /** Why the last connection or attempt ended; undefined while there was none. */
  readonly lastFailure: string | undefined
  /** The Client Identifier of the bridge's session at this broker, where outgoing messages wait. */
  readonly sessionId: string
}

export const Bridge = kind<Bridge>()('Bridge')
